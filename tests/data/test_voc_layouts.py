"""The layouts in which VOC annotations come: boxes lie on their colours in each; what is none says why."""

import pytest
from refusals import refused
from voc_scenes import count_boxes, off_colour, put, put_lists, put_tree

from minissd.data import known_splits, open_dataset
from minissd.data.splits import MADE_NOTE
from minissd.data.voc_places import NO_SPLIT, NO_XML

# Sets without lists: what the pictures and the annotations are called, as seen from the root.
LAYOUTS = {
    "LabelImg": ("{}.jpg", "{}.xml"),
    "LabelImg in sessions": ("monday/{}.jpg", "monday/{}.xml"),
    "raccoon, Kaggle": ("images/{}.png", "annotations/{}.xml"),
    "Oxford pets": ("images/{}.jpg", "annotations/xmls/{}.xml"),
    "Label Studio": ("images/{}.jpg", "Annotations/{}.xml"),
    "FiftyOne": ("data/{}.jpg", "labels/{}.xml"),
    "VOC without lists": ("JPEGImages/{}.JPG", "Annotations/{}.xml"),
    "other names": ("Img/{}.jpg", "XMLs/{}.XML"),
    "subfolders": ("JPEGImages/site1/{}.jpg", "Annotations/site1/{}.xml"),
    "the whole name": ("images/{}.jpg", "labels/{}.jpg.xml"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sets_without_lists(root, layout):
    image, xml = LAYOUTS[layout]
    for number in range(40):
        name = f"{number * 389 % 997:03}-photo"
        put(root, image.format(name), xml.format(name))
    train, val, both = (open_dataset(root, split) for split in ("train", "val", "trainval"))
    assert len(train) + len(val) == len(both) == 40 and 0 < len(val) < 12
    assert not set(train.ids) & set(val.ids) and known_splits(root) == ["train", "val", "trainval"]
    assert off_colour(both) == [] and count_boxes(both) == 80 and both.notes == [MADE_NOTE]
    assert both.classes == ("blue", "red")


SPLIT_LAYOUTS = {
    "Roboflow": ("{split}/{name}_jpg.rf.3760{name}.jpg", "{split}/{name}_jpg.rf.3760{name}.xml"),
    "TensorFlow's tutorial": ("images/{split}/{name}.jpg", "images/{split}/{name}.xml"),
    "folders in folders": ("{split}/images/{name}.jpg", "{split}/annotations/{name}.xml"),
    "Supervisely": ("{split}/img/{name}.png", "{split}/ann/{name}.xml"),
    "parallel": ("JPEGImages/{split}/{name}.jpg", "Annotations/{split}/{name}.xml"),
}


@pytest.mark.parametrize("layout", SPLIT_LAYOUTS)
def test_folders_of_splits(root, layout):
    """The same name in two folders is two images; `val` finds what Roboflow calls valid."""
    image, xml = SPLIT_LAYOUTS[layout]
    for split, count in (("Train", 3), ("valid", 2), ("test", 1)):
        for number in range(count):
            put(root, *(path.format(split=split, name=f"img{number}") for path in (image, xml)))
    sets = {split: open_dataset(root, split) for split in ("train", "val", "test")}
    assert [len(one) for one in sets.values()] == [3, 2, 1] and known_splits(root) == ["test", "train", "val"]
    assert len({image_id for one in sets.values() for image_id in one.ids}) == 6
    for one in sets.values():
        assert off_colour(one) == [] and count_boxes(one) == 2 * len(one) and one.notes == []


def test_images_in_folders_of_splits_with_all_annotations_in_one(root):
    for split, names in (("train", "abc"), ("val", "d")):
        for name in names:
            put(root, f"images/{split}/{name}.png", f"annotations/{name}.xml")
    assert open_dataset(root, "train").ids == ["train/a", "train/b", "train/c"] and len(open_dataset(root, "val")) == 1
    put(root, "images/val/a.png")  # whose is a.xml now?
    dataset = open_dataset(root, "train")
    assert dataset.ids == ["train/b", "train/c"] and f"{NO_XML}: 1 (first: train/a)" in dataset.notes


def test_a_split_that_is_not_there_is_never_another(root, one_line):
    put(root, "img0.jpg", "img0.xml")
    refused(one_line, root, "'test'", "train, val, trainval", split="test")
    put(root, "train/img0.jpg", "train/img0.xml")
    refused(one_line, root, "'val'", "there are train", split="val")


def test_images_outside_of_the_folders_of_splits_are_counted(root):
    put(root, "train/img0.jpg", "train/img0.xml")
    put(root, "extra/img0.jpg", "extra/img0.xml")
    dataset = open_dataset(root, "train")
    assert dataset.ids == ["train/img0"] and f"{NO_SPLIT}: 1 (first: extra/img0)" in dataset.notes


@pytest.mark.parametrize("folder", ["ImageSets/Main", "ImageSets", ".", "Annotations"])
def test_places_of_lists(root, folder):
    put_tree(root, lists={})
    put_lists(root, {"train": "img0", "valid": "img1"}, folder)
    assert open_dataset(root, "train").ids == ["img0"] and open_dataset(root, "val").ids == ["img1"]


def test_folders_of_images_and_lists_but_other_names(root):
    for name in ("img0", "img1"):
        put(root, f"images/{name}.png", f"annotations/{name}.xml")
    put_lists(root, {"train": "images/img1.png\n", "val": "img0"})
    assert open_dataset(root, "train").ids == ["img1"]


def test_one_subset_called_default(root, one_line):
    put_tree(root, lists={"default": "img0\nimg1"})
    assert open_dataset(root, "default").ids == ["img0", "img1"]
    refused(one_line, root, "'train'", "there are default")


def test_annotations_alone(root, one_line):
    put_tree(root)
    (root / "JPEGImages").rename(root.parent / "elsewhere")
    refused(one_line, root, "no JPEGImages", "no VOC tree")
    (root / "ImageSets").rename(root.parent / "lists")
    (root / "labelmap.txt").write_text("red:220,20,20::")
    refused(one_line, root, "no data that can be read", "VOC's XML")


@pytest.mark.parametrize("folder", ["export", "VOCdevkit/VOC2007"])
def test_a_set_further_down(root, one_line, folder):
    if folder == "export":
        put(root / folder, "images/img0.jpg", "annotations/img0.xml")
    else:
        put_tree(root / folder)
    refused(one_line, root, "no VOC tree", f"there is one in {root / folder}")
