"""`minissd doctor DATA` of data without boxes: class folders, digits, masks."""

import json
import shlex

import numpy as np
import pytest
from idx_files import write_digits
from mask_trees import MaskTree, square_mask
from PIL import Image

from minissd.cli.console import console


@pytest.fixture
def doctor(minissd, monkeypatch, tmp_path):
    """doctor(*words) -> (the rows of the table by their first cell, what else it says, doctor.json)."""
    monkeypatch.setattr(console, "_width", 200)

    def run(*words):
        outcome = minissd("doctor", *words, "--out", tmp_path / "out")
        assert outcome.status == 0, outcome.err
        lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in outcome.out.splitlines()]
        rows = {cells[0]: cells[1:] for cells in lines if cells}
        return rows, outcome.out, json.loads((tmp_path / "out" / "doctor.json").read_text())

    return run


def test_class_folders(doctor, tmp_path):
    rng = np.random.default_rng(0)
    root = tmp_path / "pets"
    for split, name, count in (("train", "cat", 3), ("train", "dog", 2), ("val", "dog", 2)):
        (root / split / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (80, 90, 3), np.uint8)
            Image.fromarray(pixels).save(root / split / name / f"{i}.png")
    copied = (root / "train" / "dog" / "1.png").read_bytes()
    (root / "val" / "dog" / "1.png").write_bytes(copied)
    (root / "train" / "cat" / "2.png").write_bytes(copied[:200])
    rows, text, record = doctor(root)
    assert rows["cat"] == ["3", "0", "3"] and rows["dog"] == ["2", "2", "4"] and rows["all"] == ["5", "2", "7"]
    assert "damaged: image" in text and "image size: 90x80 pixels" in text
    assert "the same pixels: train/dog/1.png (train), val/dog/1.png (val)" in text
    assert record["command"] == shlex.join(["minissd", "train", "--data", str(root), "--task", "classify"])
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        *("classes.png", "examples.png", "copies.png", "doctor.json")
    }


def test_digits(doctor, tmp_path):
    rows, _, record = doctor(write_digits(tmp_path / "digits", train=24, test=10))
    assert rows["3"] == ["2", "1", "1", "4"]  # of 22 training, 2 validation and 10 test digits
    assert rows["all"] == ["22", "2", "10", "34"] and record["command"].endswith("--model lenet5")
    # digit i of the test files is digit i of the others; those that merely look alike are not named
    assert len(record["copies"]) == 10 and all(len(one["images"]) == 2 for one in record["copies"])


def test_masks(doctor, refused, tmp_path):
    rng = np.random.default_rng(0)
    tree = MaskTree(tmp_path / "tree")
    for i in range(4):
        tree.add(f"img{i}", square_mask(rng, number=1 + i % 2), "train" if i < 3 else "val")
    rows, _, record = doctor(tree.root, "--task", "segment")
    assert rows["cat"] == ["2", "0", "2"] and rows["dog"] == ["1", "1", "2"] and rows["all"] == ["3", "1", "4"]
    assert record["command"].endswith("--model unet") and (tmp_path / "out" / "examples.png").exists()
    refused(["data to detect or segment, not to classify"], "doctor", tree.root, "--task", "classify")


def test_a_folder_above_the_data(refused, tmp_path):
    MaskTree(tmp_path / "data").add("img0", square_mask(np.random.default_rng(0)))
    (tmp_path / "data" / "Annotations" / "names.xml").unlink()
    (tmp_path / "data" / "Annotations").rmdir()
    with_hint = [f"a tree of masks (SegmentationClass, JPEGImages, ImageSets) in {tmp_path / 'data'}, give that"]
    refused(with_hint, "doctor", tmp_path)
    refused(with_hint, "train", "--data", tmp_path, "--model", "unet")
