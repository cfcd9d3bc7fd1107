"""The commands on COCO and YOLO data: what `train` prints as the next command scores images that it has not seen."""

import json
import shlex

from coco_sets import CocoSet
from yolo_sets import add_split

from minissd.data import open_dataset

SMALL = ("--input-size", 64, "--epochs", 1, "--batch-size", 8, "--workers", 0, "--device", "cpu")


def next_words(outcome):
    """The words of the command that `train` prints, without the program's name."""
    assert outcome.status == 0, outcome
    line = next(line for line in outcome.out.splitlines() if line.startswith("next: minissd "))
    return shlex.split(line)[2:]


def scored(minissd, tmp_path, words):
    """metrics.json of the next command."""
    outcome = minissd(*words, "--out", tmp_path / "scores", "--workers", 0)
    assert outcome.status == 0, outcome
    return json.loads((tmp_path / "scores" / "metrics.json").read_text()), outcome


def test_one_coco_file_for_all_images(minissd, tmp_path):
    """As Label Studio exports it; the images were moved elsewhere."""
    coco = CocoSet(tmp_path / "pictures")
    for number in range(40):
        coco.add(f"{number}.png", [(1, (1, 1, 20, 20))])
    path = coco.save(tmp_path / "export" / "result.json")
    where = ("--data", path, "--images", tmp_path / "pictures")
    words = next_words(minissd("train", *where, *SMALL, "--out", tmp_path / "run"))
    assert words[words.index("--split") + 1] == "val" and words[words.index("--images") + 1] == str(coco.folder)
    _, outcome = scored(minissd, tmp_path, words)
    held_out = len(open_dataset(path, "val", images=coco.folder))
    assert f"{held_out} images" in outcome.out and 0 < held_out < 10


def test_a_test_part_that_lacks_a_class(minissd, tmp_path):
    listed = {"train": {1: "person", 2: "dog"}, "val": {5: "dog", 4: "person"}, "test": {9: "dog"}}
    for split, categories in listed.items():
        coco = CocoSet(tmp_path / "set" / split, categories)
        for number in range(4):
            coco.add(f"{number}.png", [(category, (1, 1, 20, 20)) for category in categories])
        coco.save(tmp_path / "set" / "annotations" / f"instances_{split}.json")
    words = next_words(minissd("train", "--data", tmp_path / "set", *SMALL, "--out", tmp_path / "run"))
    assert words[words.index("--split") + 1] == "test"
    metrics, outcome = scored(minissd, tmp_path, words)
    assert metrics["AP"]["person"] is None and metrics["AP"]["dog"] is not None
    assert "classes without an object in this split: 1 (first: person)" in outcome.out + outcome.err


def test_a_yolo_set(minissd, tmp_path):
    """As Roboflow exports it: the paths of data.yaml are not right, and there is no test part."""
    root = tmp_path / "pets"
    add_split(add_split(root, "train", "{}/images", count=8), "valid", "{}/images")
    yaml = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 2\nnames: ['red', 'blue']\n"
    (root / "data.yaml").write_text(yaml)
    for data in (root, root / "data.yaml"):
        words = next_words(minissd("train", "--data", data, *SMALL, "--out", tmp_path / f"run-{data.name}"))
        assert words[words.index("--split") + 1] == "val"
        metrics, outcome = scored(minissd, tmp_path, words)
        assert set(metrics["AP"]) == {"red", "blue"} and "pets val: 2 images" in outcome.out
