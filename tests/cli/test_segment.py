"""From a tree of masks to a trained network, its figures and its pictures, on the command line."""

import json

import numpy as np
import pytest
from mask_trees import MaskTree, square_mask
from PIL import Image

from minissd.training import load_checkpoint

SMALL = ("--model", "unet", "--width", 2, "--input-size", 64, "--epochs", 2, "--batch-size", 2, "--workers", 0)


@pytest.fixture
def masks(tmp_path, rng):
    tree = MaskTree(tmp_path / "tree")
    for i in range(4):
        tree.add(f"image{i}", square_mask(rng, number=1 + i % 2), split="val" if i == 3 else "train")
    return tree


def test_train_and_evaluate(minissd, masks, tmp_path):
    out = tmp_path / "run"
    outcome = minissd("train", "--data", masks.root, "--out", out, *SMALL)
    assert outcome.status == 0, outcome.err
    assert "validation mean_iou" in outcome.out
    files = {"config.json", "log.jsonl", "last.safetensors", "best.safetensors", "loss.png"}
    assert {file.name for file in out.iterdir()} == files
    assert load_checkpoint(out / "last.safetensors").model.options["width"] == 2

    words = ("--checkpoint", out / "best.safetensors", "--data", masks.root, "--split", "val")
    outcome = minissd("evaluate", *words, "--workers", 0)
    assert outcome.status == 0, outcome.err
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["iou"].keys() == metrics["dice"].keys() == {"cat", "dog"}
    assert {"mean_iou", "background_iou", "pixel_accuracy"} <= metrics.keys()
    assert "mean_iou" in outcome.out and "cat" in outcome.out
    Image.open(out / "masks.png").verify()


def test_a_run_goes_on_where_it_stopped(minissd, masks, tmp_path):
    words = ("train", "--data", masks.root, *SMALL, "--validation", "none", "--out")
    assert minissd(*words, tmp_path / "run").status == 0
    assert minissd(*words, tmp_path / "run", "--resume").status == 0


def test_it_detects_no_boxes(minissd, refused, masks, tmp_path):
    assert minissd("train", "--data", masks.root, "--out", tmp_path / "run", *SMALL).status == 0
    image = masks.root / "JPEGImages" / "image0.png"
    words = ("--checkpoint", tmp_path / "run" / "last.safetensors", image, "--out", tmp_path / "found")
    refused(["unet finds no boxes", "weights of a detector"], "detect", *words)


def test_bad_masks_stop_a_run_before_it_begins(refused, masks, tmp_path):
    """One of the last image: nothing is written before all have been looked at."""
    words = ("train", "--data", masks.root, "--out", tmp_path / "run", *SMALL)
    Image.fromarray(np.full((48, 64), 9, np.uint8)).save(masks.mask("image2"))
    refused([masks.mask("image2"), "class number 9"], *words)
    Image.fromarray(np.ones((9, 9), np.uint8)).save(masks.mask("image2"))
    refused([masks.mask("image2"), "9x9", "64x48"], *words)
    masks.mask("image2").unlink()
    refused(["image2", "SegmentationClass"], *words)
    assert not (tmp_path / "run").exists()


def test_data_without_masks_are_refused(refused, tree, tmp_path):
    refused([tree.root, "SegmentationClass"], "train", "--data", tree.root, "--out", tmp_path / "run", *SMALL)
    refused(["shapes", "segment"], "train", "--data", "shapes", "--out", tmp_path / "run", *SMALL)


def test_an_input_size_that_cannot_be_halved_four_times(refused, masks, tmp_path):
    words = ("train", "--data", masks.root, "--out", tmp_path / "run", "--model", "unet", "--input-size", 100)
    refused(["100", "multiple of 16"], *words)
    assert not (tmp_path / "run").exists()
