import json

import pytest
from PIL import Image

PICTURES = {"precision_recall.png", "average_precision.png", "detections.png"}


def test_metrics_and_pictures_lie_beside_the_checkpoint(minissd, trained, tree):
    outcome = minissd("evaluate", "--checkpoint", trained / "last.safetensors", "--data", tree.root, "--split", "train")
    assert outcome.status == 0, outcome.err
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["AP"].keys() == {"cat", "dog"} and 0 <= metrics["mAP"] <= 1
    assert {"mAP", "recall", "method"} <= metrics.keys()
    assert {file.name for file in trained.iterdir()} >= PICTURES
    for name in PICTURES:
        Image.open(trained / name).verify()
    assert "cat" in outcome.out and "mAP" in outcome.out


def test_out_and_method(minissd, trained, tree, tmp_path):
    words = ("--data", tree.root, "--split", "train", "--method", "area", "--out", tmp_path / "scores")
    assert minissd("evaluate", "--checkpoint", trained / "last.safetensors", *words).status == 0
    assert json.loads((tmp_path / "scores" / "metrics.json").read_text())["method"] == "area"


def test_a_class_without_objects_is_null_in_json(minissd, trained, tree):
    tree.add("lonely", [("cat", (5, 5, 30, 25))], size=(80, 60)).list("test", "lonely\n")
    assert minissd("evaluate", "--checkpoint", trained / "last.safetensors", "--data", tree.root).status == 0
    assert json.loads((trained / "metrics.json").read_text())["AP"]["dog"] is None


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", bytes(100)])
def test_what_is_no_checkpoint_is_refused(refused, tree, tmp_path, content):
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    refused([file], "evaluate", "--checkpoint", file, "--data", tree.root)


def test_a_missing_checkpoint(refused, tree, tmp_path):
    refused([tmp_path / "x"], "evaluate", "--checkpoint", tmp_path / "x", "--data", tree.root)


def test_data_of_other_classes(refused, trained):
    refused(["cat", "ellipse"], "evaluate", "--checkpoint", trained / "last.safetensors", "--data", "shapes")
