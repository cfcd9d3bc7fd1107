"""YOLO through the command line, and the commands that explain detectors."""

import json

import pytest
from PIL import Image

from minissd import weights
from minissd.data import open_dataset
from minissd.models import build
from minissd.training import load_checkpoint, read_log, save_checkpoint


@pytest.mark.parametrize("anchors", ["--anchors", "--no-anchors"])
def test_yolo_tiny_is_trained_evaluated_and_used_like_any_detector(minissd, tree, tmp_path, small_run, anchors):
    out = tmp_path / "run"
    tree.list("train", "img0\nimg1\nimg2\n").list("val", "img3\nimg4\n")
    words = ("--model", "yolo-tiny", anchors, "--data", tree.root, "--out", out)
    outcome = minissd("train", *words, *small_run)
    assert outcome.status == 0, outcome.err
    assert "4x4 cells" in outcome.out
    config = json.loads((out / "config.json").read_text())
    assert config["recipe"] == "yolo" and config["options"]["anchors"] is (anchors == "--anchors")
    step = read_log(out / "log.jsonl")[0]
    assert step["loss"] == pytest.approx(sum(step[name] for name in ("center", "size", "object", "empty", "class")))
    checkpoint = ("--checkpoint", out / "last.safetensors")
    assert minissd("evaluate", *checkpoint, "--data", tree.root, "--split", "val").status == 0
    assert 0 <= json.loads((out / "metrics.json").read_text())["mAP"] <= 1
    assert minissd("detect", *checkpoint, tree.image("img0"), "--out", tmp_path / "found").status == 0
    assert minissd("train", "--out", out, "--resume").status == 0


def test_yolo_tiny_takes_over_the_trunk_of_ssd_tiny(minissd, tree, trained, tmp_path, small_run):
    out = tmp_path / "yolo"
    words = ("--model", "yolo-tiny", "--data", tree.root, "--out", out, *small_run)
    outcome = minissd("train", "--weights", trained / "last.safetensors", *words, "--lr", 1e-30)
    assert outcome.status == 0, outcome.err
    ssd, yolo = (load_checkpoint(run / "last.safetensors").model for run in (trained, out))
    assert (yolo.params["stage1.conv1.w"] == ssd.params["stage1.conv1.w"]).all()


def test_a_yolo_of_other_classes_takes_over_all_but_the_last_layer(tmp_path):
    two, three = ["a", "b"], ["a", "b", "c"]
    one, other = (build("yolo-tiny", classes=names, input_size=64, seed=len(names)) for names in (two, three))
    save_checkpoint(tmp_path / "one.safetensors", one)
    report = weights.load(other, tmp_path / "one.safetensors", heads=None)
    assert set(report.untouched) == {"cells.w", "cells.b"}
    assert (other.params["top.conv1.w"] == one.params["top.conv1.w"]).all()


def test_anchors_mean_nothing_to_other_models(refused, tree, tmp_path):
    refused(["--anchors", "ssd-tiny"], "train", "--anchors", "--data", tree.root, "--out", tmp_path / "run")


def test_explain_nms_tells_every_step_and_draws_them(minissd, checkpoint, tree, tmp_path):
    out = tmp_path / "nms.png"
    outcome = minissd("explain", "nms", *checkpoint, tree.image("img0"), "--score", 0.6, "--out", out)
    assert outcome.status == 0, outcome.err
    steps = [line for line in outcome.out.splitlines() if " stays; removed: " in line]
    stays = int(outcome.out.split(" boxes, ")[1].split()[0])
    assert len(steps) == stays > 0
    assert Image.open(out).size[0] > 100


def test_explain_nms_says_what_is_wrong(refused, minissd, checkpoint, tree, tmp_path):
    image = tree.image("img0")
    refused(["zebra", "cat, dog"], "explain", "nms", *checkpoint, image, "--of", "zebra")
    refused(["no box", "lower --score"], "explain", "nms", *checkpoint, image, "--score", 1)
    refused([tmp_path / "none.jpg"], "explain", "nms", *checkpoint, tmp_path / "none.jpg")


def test_explain_errors_compares_detectors(minissd, trained, tree, tmp_path):
    run = trained / "last.safetensors"
    words = (run, "--checkpoint", trained, "--data", tree.root, "--split", "train", "--out", tmp_path)
    outcome = minissd("explain", "errors", *words)
    assert outcome.status == 0, outcome.err
    dataset = open_dataset(tree.root, "train")
    total = sum(len(dataset.objects(i).labels) for i in range(len(dataset)))
    assert f"yolo-v1, 7x7 cells: 0 of {total} objects share a place" in outcome.out
    assert (tmp_path / "errors.png").exists()


def test_explain_errors_wants_detectors_of_the_same_classes(minissd, refused, trained, checkpoint, tree, tmp_path):
    other = tmp_path / "other.safetensors"
    save_checkpoint(other, build("ssd-tiny", classes=("cow",), input_size=64))
    words = ("explain", "errors", trained / "last.safetensors", other, "--out", tmp_path)
    refused([other, "no detector of cat, dog"], *words)
    refused([tmp_path / "none", "does not exist"], "explain", "errors", "--checkpoint", tmp_path / "none")
    assert minissd("explain", "errors").status == 2
