"""What `minissd train` validates on, and what it says is to be scored next: never the images that it was trained on."""

import json
import shlex

import pytest
from coco_sets import CocoSet
from voc_trees import Tree

LOOK = ("--input-size", 64, "--epochs", 1, "--batch-size", 4, "--workers", 0)


@pytest.fixture
def next_words(minissd, tmp_path):
    """next_words(data, *words): the command that a training on the data says is next, in words."""

    def run(data, *words):
        outcome = minissd("train", "--data", data, "--out", tmp_path / "run", *LOOK, *words)
        assert outcome.status == 0, outcome.err
        (line,) = (line for line in outcome.out.splitlines() if line.startswith("next: minissd evaluate"))
        return shlex.split(line.partition("(")[0])[2:]

    return run


def split_of(words):
    return words[words.index("--split") + 1]


def ids_of_run(folder):
    return json.loads((folder / "config.json").read_text())["images"]


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({"train": "012", "val": "34", "test": "5"}, "test"),
        ({"train": "012", "val": "34"}, "val"),
        ({"train": "012", "test": "125", "val": "34"}, "val"),  # that test is not held out
        ({"train": "012", "holdout": "5"}, "holdout"),
        ({"train": "012", "trainval": "012345"}, None),
        ({"train": "012345", "val": "01", "test": "2"}, None),
    ],
)
def test_the_next_command_scores_a_split_that_exists_and_was_not_trained_on(
    minissd, next_words, tree, tmp_path, lists, expected
):
    for split, digits in lists.items():
        tree.list(split, "".join(f"img{digit}\n" for digit in digits))
    words = next_words(tree.root)
    if expected is None:
        assert "OTHER" in words and str(tree.root) not in words
        return
    assert split_of(words) == expected
    outcome = minissd(*words)  # it does what it says
    assert outcome.status == 0, outcome.err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["split"] == expected and metrics["images"] == len(lists[expected])
    assert "trained on" not in outcome.out


def test_one_coco_file_of_all_images_is_not_scored_on_those_trained_on(minissd, next_words, tmp_path):
    images = CocoSet(tmp_path / "coco", {1: "cat", 2: "dog"})
    for i in range(40):
        images.add(f"{i}.png", [(1, [5, 5, 20, 15]), (2, [12, 8, 20, 20])])
    words = next_words(images.save())
    assert split_of(words) == "val"
    assert "trained on" not in minissd(*words).out
    used = ids_of_run(tmp_path / "run")
    assert used["validation"] and not set(used["training"]) & set(used["validation"])


def test_a_validation_without_objects_is_none_with_a_note(minissd, refused, tree, tmp_path):
    tree.add("bare", [], size=(80, 60)).list("train", "img0\nimg1\nimg2\nimg3\n").list("val", "bare\n")
    words = ("train", "--data", tree.root, *LOOK, "--out")
    outcome = minissd(*words, tmp_path / "a")
    assert outcome.status == 0 and "note: no validation" in outcome.out
    refused(["object"], *words, tmp_path / "b", "--validation", "val")
    assert not (tmp_path / "b").exists()


def test_training_on_no_object_is_an_error(refused, tmp_path):
    tree = Tree(tmp_path / "bare")
    for i in range(4):
        tree.add(f"img{i}", [], size=(80, 60))
    tree.add("other", [("cat", (5, 5, 30, 25))], size=(80, 60)).list("train", "img0\nimg1\nimg2\nimg3\n")
    refused(["object"], "train", "--data", tree.root, "--out", tmp_path / "run", *LOOK)
    assert not (tmp_path / "run").exists()


def test_a_limit_and_a_choice_of_classes_hold_for_the_validation_too(minissd, next_words, tree, tmp_path):
    tree.list("train", "img0\nimg1\nimg2\n").list("val", "img3\nimg4\n")
    words = next_words(tree.root, "--limit", 1, "--classes", "dog", "--batch-size", 1)
    assert ids_of_run(tmp_path / "run") == {"training": ["img0"], "validation": ["img3"]}
    outcome = minissd(*words)
    assert outcome.status == 0, outcome.err
    assert "cat" not in json.loads((tmp_path / "run" / "metrics.json").read_text())["AP"]


def test_what_is_amiss_in_the_validation_images_is_said(minissd, tree, tmp_path):
    tree.list("train", "img0\nimg1\nimg2\n").list("val", "img3\nimg3\nimg4\n")
    outcome = minissd("train", "--data", tree.root, "--out", tmp_path / "run", *LOOK)
    assert "note: val: images listed more than once, used once: 1 (first: img3)" in outcome.out
