"""From a word or a path to a dataset."""

import numpy as np
import pytest
from coco_sets import CocoSet
from PIL import Image

from minissd.data import download
from minissd.data.catalogue import LAYOUTS, NAMES, open_dataset
from minissd.data.class_folders import ClassFolders
from minissd.data.coco import CocoDataset
from minissd.data.voc import VocDataset
from minissd.errors import MinissdError


@pytest.fixture
def coco(tmp_path):
    """A COCO folder with a training and a validation part."""
    root = tmp_path / "coco"
    for split, names in (("train2017", ["a.png", "b.png"]), ("val2017", ["c.png"])):
        part = CocoSet(root / split)
        for name in names:
            part.add(name, [(1, (1, 1, 9, 9))])
        part.save(root / "annotations" / f"instances_{split}.json")
    return root


@pytest.fixture
def leaves(tmp_path):
    """Class folders with a training part."""
    for name in ("oak/1.png", "elm/2.png"):
        path = tmp_path / "leaves" / "train" / name
        path.parent.mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(path)
    return tmp_path / "leaves"


def refused(one_line, *arguments, says, **options):
    with pytest.raises(MinissdError) as caught:
        open_dataset(*arguments, **options)
    one_line(caught, *says)


def test_shapes_by_name():
    dataset = open_dataset("shapes", "val", size=32, seed=3, limit=7, classes=["star"])
    assert dataset.name == "shapes" and len(dataset) == 7 and dataset.classes == ("star",)
    assert dataset[0].image.shape == (32, 32, 3)
    other_seed = open_dataset("shapes", "val", size=32, seed=4, limit=1, classes=["star"])
    assert (dataset[0].image != other_seed[0].image).any()
    assert len(open_dataset("shapes", "train")) == 2000
    assert len(open_dataset("shapes", "val", limit=10**6)) == 200


def test_every_dataset_says_its_task(pets, coco, leaves):
    for data, task in [("shapes", "detect"), (pets.root, "detect"), (coco, "detect"), (leaves, "classify")]:
        assert open_dataset(data, "train", task=task).task == task


def test_a_voc_tree_by_path(pets):
    for data in (pets.root, str(pets.root)):
        dataset = open_dataset(data, "train", classes=["cat"], limit=1)
        assert isinstance(dataset, VocDataset) and dataset.ids == ["two"]


def test_a_coco_folder_by_path(coco):
    for split, count in (("train", 2), ("val2017", 1)):
        dataset = open_dataset(str(coco), split)
        assert isinstance(dataset, CocoDataset) and len(dataset) == count
    assert len(open_dataset(coco, "train", limit=1)) == 1
    assert open_dataset(coco, "val", classes=["cat", "person"], keep_others=True).classes == ("cat", "person")


def test_a_coco_file_by_path(coco):
    train, val = (coco / "annotations" / f"instances_{split}2017.json" for split in ("train", "val"))
    assert open_dataset(str(train), "train").ids == ["train2017/a.png", "train2017/b.png"]
    assert open_dataset(train, "val").ids == ["val2017/c.png"]  # its sibling: so a training is validated
    assert open_dataset(val, "test").ids == ["val2017/c.png"]  # the file given, whatever the split


def test_class_folders_by_path(leaves):
    dataset = open_dataset(leaves, "train", task="classify", keep_others=True)
    assert isinstance(dataset, ClassFolders) and dataset.classes == ("elm", "oak")
    assert open_dataset(leaves, "train", task="classify", classes=["oak"], limit=1).classes == ("oak",)


def test_data_for_another_task(pets, coco, leaves, one_line):
    for data, task, what in [
        ("shapes", "classify", "data to detect"),
        (pets.root, "classify", "VOC tree"),
        (coco, "classify", "COCO folder"),
        (coco / "annotations" / "instances_val2017.json", "classify", "COCO JSON"),
        (leaves, "detect", "class folders"),
    ]:
        refused(one_line, data, "train", task=task, says=[data, what, f"not to {task}"])


def test_what_has_been_fetched(monkeypatch, tmp_path, one_line, coco):
    monkeypatch.setattr(download, "cache_folder", lambda: tmp_path)
    refused(one_line, "voc2007", "train", says=["minissd fetch voc2007"])
    refused(one_line, "vgg16", "train", says=["'vgg16'", "no data", "voc2007"])
    coco.rename(tmp_path / "coco-val2017")
    assert len(open_dataset("coco-val2017", "val")) == 1


def test_a_split_in_which_no_box_is_left(pets, coco, one_line):
    """Images without objects are fine among others, but nothing can be learned from them alone, nor scored on them."""
    pets.add("small", [("dog", (5, 5, 5, 9))])
    pets.list("none", "three\n").list("dropped", "three\nsmall\n")
    assert len(open_dataset(pets.root, "train")) == 4
    refused(one_line, pets.root, "none", says=["none of its 1 images shows an object"])
    refused(one_line, pets.root, "dropped", says=["none of its 2 images", "without extent, dropped: 1 (first: small)"])
    refused(one_line, coco, "val", classes=["cat"], keep_others=True, says=["none of its 1 images"])


def test_what_is_no_data(tmp_path, one_line):
    (tmp_path / "file").write_text("x")
    refused(one_line, "shape", "train", says=["'shape'", "does not exist", *NAMES])
    for nothing in (tmp_path, tmp_path / "file"):
        refused(one_line, nothing, "train", says=[nothing, *(layout.what for layout in LAYOUTS)])


def test_a_voc_tree_that_lacks_a_part_or_lies_deeper(pets, tmp_path, one_line):
    refused(one_line, tmp_path, "train", says=["no VOC tree", f"there is one in {pets.root}"])
    pets.image("one").parent.rename(tmp_path / "elsewhere")
    refused(one_line, pets.root, "train", says=["no VOC tree", "no JPEGImages"])


def test_wrong_words(one_line):
    refused(one_line, "shapes", "trainval", says=["'trainval'", "train, val, test"])
    refused(one_line, "shapes", "train", limit=0, says=["limit"])


def test_the_sample_data_is_recognised(shared):
    for name in ("bccd", "pennfudan", "raccoon", "voc-mini"):
        dataset = open_dataset(shared / "data" / name, "val", limit=1)
        assert isinstance(dataset, VocDataset) and np.isfinite(dataset.objects(0).corners).all()
