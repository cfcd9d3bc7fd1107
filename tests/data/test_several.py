"""Several data sets as one."""

import json

import numpy as np
import pytest
from mask_trees import MaskTree
from voc_trees import Tree

from minissd.data import known_splits, open_dataset

BOX = (5, 5, 30, 25)


@pytest.fixture
def trees(tmp_path):
    """Two trees with the same two classes and the same names of images, the second with a test set."""
    first = Tree(tmp_path / "a" / "set").add("one", [("cat", BOX)]).add("two", [("dog", BOX), ("cat", BOX)])
    second = Tree(tmp_path / "b" / "set").add("one", [("dog", BOX)]).add("three", [("cat", BOX)])
    second.add("tested", [("dog", BOX)]).list("train", "one\nthree\n").list("test", "tested\n")
    return first, second


def together(*trees):
    return ",".join(str(tree.root) for tree in trees)


def labels_of(dataset):
    return [dataset.objects(i).labels.tolist() for i in range(len(dataset))]


def test_all_images_of_both_under_names_of_their_own(trees):
    data = open_dataset(together(*trees), "train")
    assert (data.task, data.name, data.classes) == ("detect", "set+set-2", ("cat", "dog"))
    assert list(data.ids) == ["set/one", "set/two", "set-2/one", "set-2/three"]
    assert labels_of(data) == [[0], [1, 0], [1], [0]]
    assert [data[i].id for i in range(4)] == list(data.ids)
    assert [data[i].labels.tolist() for i in range(4)] == labels_of(data)
    assert data.image_path(2) == trees[1].image("one")
    assert len(open_dataset(together(*trees), "train", limit=1)) == 2


def test_labels_follow_the_order_that_is_asked_for(trees):
    data = open_dataset(together(*trees), "train", classes=["dog", "cat"])
    assert (data.classes, labels_of(data)) == (("dog", "cat"), [[1], [0, 1], [0], [1]])


def test_a_set_may_lack_a_chosen_class(trees):
    trees[1].add("four", [("bird", BOX)])
    data = open_dataset(together(*trees), "train", classes=["bird", "dog"])
    assert (data.classes, labels_of(data)) == (("bird", "dog"), [[1], [1], [0]])
    assert "set: has no class bird" in data.notes


def test_what_only_one_set_has_can_be_scored_but_not_trained_on(trees, refused):
    data = open_dataset(together(*trees), "test", classes=("dog", "cat"), keep_others=True)
    assert (list(data.ids), labels_of(data)) == (["set/tested"], [[0]])
    assert f"{trees[0].root} has no split test and is left out" in data.notes
    with refused(trees[0].root, "no split 'test'"):
        open_dataset(together(*trees), "test")
    assert set(known_splits(together(*trees))) == {"train", "test"}


def test_sets_of_other_formats(trees, tmp_path):
    """COCO has an order of classes of its own."""
    trees[0].image("one").rename(tmp_path / "one.png")
    boxes = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 2, 9, 9], "area": 81, "iscrowd": 0}]
    categories = [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]
    images = [{"id": 1, "file_name": "one.png", "width": 40, "height": 30}]
    coco = tmp_path / "instances_train.json"
    coco.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    data = open_dataset(f"{coco},{trees[1].root}", "train")
    assert (data.classes, labels_of(data)) == (("dog", "cat"), [[0], [0], [1]])


def test_masks_of_several_trees(tmp_path):
    square = np.zeros((8, 8), np.uint8)
    square[2:5, 2:5], square[6] = 1, 255
    MaskTree(tmp_path / "a", ("cat", "dog")).add("one", square)
    MaskTree(tmp_path / "b", ("bird", "cat")).add("one", square)
    data = open_dataset(f"{tmp_path}/a,{tmp_path}/b", "train", task="segment", classes=["cat", "bird"])
    assert [np.unique(data.mask(i)).tolist() for i in (0, 1)] == [[0, 1, 255], [0, 2, 255]]
    np.testing.assert_array_equal(data[1].mask, data.mask(1))


def test_what_is_refused_says_which_set_it_is(trees, tmp_path, refused):
    first, second = trees
    empty = Tree(tmp_path / "empty").list("train", "")
    with refused(empty.root):
        open_dataset(together(first, empty), "train")
    with refused(tmp_path / "none", "does not exist"):
        open_dataset(f"{first.root},{tmp_path / 'none'}", "train")
    with refused("named twice"):
        open_dataset(together(first, first), "train")
    with refused("'horse'", "cat, dog"):
        open_dataset(together(*trees), "train", classes=["horse"])
    second.add("four", [("bird", BOX)])
    with refused(f"only {second.root} has bird", "--classes"):
        open_dataset(together(*trees), "train")
    with refused(first.root, "none of the classes bird"):
        open_dataset(together(*trees), "train", classes=["bird"])


def test_a_comma_in_a_path(tmp_path, trees):
    odd = Tree(tmp_path / "cats, dogs").add("one", [("cat", BOX), ("dog", BOX)])
    assert open_dataset(odd.root, "train").name == "cats, dogs"
    assert len(open_dataset(f'"{odd.root}",{trees[0].root}', "train")) == 3
