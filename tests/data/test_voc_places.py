"""The layouts in which VOC annotations come: boxes lie on their colours in each; what is none says why."""

import os
import unicodedata

import numpy as np
import pytest
from scenes import GREY
from voc_scenes import BOTH, count_boxes, off_colour, put, put_image, put_lists, put_tree, voc_xml

from minissd.data import known_splits, open_dataset
from minissd.data.splits import MADE_NOTE
from minissd.data.voc import CHOSEN_BY_NAME, OTHER_NAME, VocDataset
from minissd.data.voc_places import NO_IMAGE, NO_SPLIT, NO_XML, UNLABELLED, find_places
from minissd.errors import MinissdError


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data"


def refused(one_line, root, *says, split="train"):
    with pytest.raises(MinissdError) as caught:
        open_dataset(root, split)
    one_line(caught, *says)


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


def test_images_without_annotation_and_the_other_way_round(root):
    for name in ("a", "b", "c"):
        put(root, f"images/{name}.jpg", f"annotations/{name}.xml")
    put(root, "images/unlabelled.jpg")
    (root / "annotations" / "lost.xml").write_text(voc_xml())
    dataset = open_dataset(root, "trainval")
    assert dataset.ids == ["a", "b", "c"]
    assert f"{NO_XML}: 1 (first: unlabelled)" in dataset.notes and f"{NO_IMAGE}: 1 (first: lost)" in dataset.notes


def test_a_listed_image_without_annotation_is_background(root):
    put_tree(root)
    put(root, "JPEGImages/nobody.png")
    put_lists(root, {"train": "img0\nnobody\nimg1"})
    dataset = open_dataset(root, "train")
    assert [len(dataset.objects(i).labels) for i in range(3)] == [2, 0, 2] and dataset[1].image.shape == (120, 160, 3)
    assert dataset.notes == [f"{UNLABELLED}: 1 (first: nobody)"]


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


@pytest.mark.parametrize("suffix", [".bmp", ".tif", ".tiff", ".webp", ".gif", ".jfif", ".JPG", ".ppm"])
def test_formats(root, suffix):
    if suffix == ".gif":
        put(root, "JPEGImages/img0.gif", "Annotations/img0.xml")
    elif suffix == ".jfif":
        put(root, "JPEGImages/img0.jpg", "Annotations/img0.xml")
        (root / "JPEGImages" / "img0.jpg").rename(root / "JPEGImages" / "img0.jfif")
    else:
        put(root, f"JPEGImages/img0{suffix}", "Annotations/img0.xml")
    put_lists(root, {"train": "img0"})
    dataset = open_dataset(root, "train")
    assert count_boxes(dataset) == 2 and off_colour(dataset) == []


def test_what_other_systems_leave_behind(root):
    put_tree(root)
    for path in ("JPEGImages/._img0.jpg", "Annotations/._img0.xml", "ImageSets/Main/._train.txt", ".DS_Store"):
        (root / path).write_bytes(b"\0\5\x16\7")
    for path in (
        "JPEGImages/Thumbs.db",
        "JPEGImages/classes.txt",
        "Annotations/classes.txt",
        "ImageSets/Main/classes.txt",
    ):
        (root / path).write_text("red\nblue\n")
    (root / "JPEGImages" / "__MACOSX").mkdir()
    put_image(root / "JPEGImages" / "__MACOSX" / "img0.jpg")
    dataset = open_dataset(root, "train")
    assert dataset.ids == ["img0", "img1"] and dataset.notes == [] and known_splits(root) == ["train"]


def test_what_a_mac_leaves_beside_pictures(root):
    put(root, "img0.jpg", "img0.xml")
    (root / "._img0.xml").write_bytes(b"\0\5\x16\7")
    put(root, "__MACOSX/img1.jpg", "__MACOSX/img1.xml")
    assert open_dataset(root, "trainval").ids == ["img0"]


def test_names_with_all_that_a_shell_would_expand(tmp_path):
    root = tmp_path / "my [data] *v2* (1)"
    names = ["my img [1].v2", "a*b", "c?d", "#1", "{x}", "img", "img 1"]
    put_tree(root, images=[f"{name}.png" for name in names])
    dataset = open_dataset(root, "train")
    assert dataset.ids == names and off_colour(dataset) == [] and count_boxes(dataset) == 14


def test_names_whose_case_or_accents_differ(root):
    """Windows keeps no case apart, and a Mac takes accents apart."""
    composed, apart = (unicodedata.normalize(form, "caf\xe9") for form in ("NFC", "NFD"))
    for image, xml in (("IMG_1.JPG", "img_1.xml"), (f"{apart}.png", f"{composed}.xml"), ("a.png", "a.xml")):
        put(root, f"JPEGImages/{image}", f"Annotations/{xml}")
    put(root, "JPEGImages/A.png")  # a picture without objects; a.xml is that of a.png
    put_lists(root, {"train": f"IMG_1\n{composed}\na\nA"})
    dataset = open_dataset(root, "train")
    assert [len(dataset.objects(i).labels) for i in range(4)] == [2, 2, 2, 0] and off_colour(dataset) == []
    assert dataset.notes == [f"{UNLABELLED}: 1 (first: A)"]


def test_names_that_are_no_utf8(root):
    put_tree(root)
    for path in ("JPEGImages/img0.png", "Annotations/img0.xml"):
        old = os.fsencode(root / path)
        try:
            os.rename(old, old.replace(b"img0", b"caf\xe9"))
        except OSError:
            pytest.skip("this file system has no such names")
    put_lists(root, {"train": b"caf\xe9\nimg1\n"})
    dataset = open_dataset(root, "train")
    assert len(dataset) == 2 and count_boxes(dataset) == 4 and off_colour(dataset) == []


def test_symbolic_links(tmp_path):
    store, root = tmp_path / "store", tmp_path / "data"
    put_tree(store)
    (root / "JPEGImages").mkdir(parents=True)
    (root / "JPEGImages" / "img0.png").symlink_to(store / "JPEGImages" / "img0.png")
    (root / "JPEGImages" / "more").symlink_to(store / "JPEGImages")
    (root / "JPEGImages" / "loop").symlink_to(root / "JPEGImages")
    (root / "Annotations").symlink_to(store / "Annotations")
    put_lists(root, {"train": "img0"})
    dataset = open_dataset(root, "train")
    assert dataset.ids == ["img0"] and off_colour(dataset) == []
    assert sorted(find_places(root).images) == ["img0", "more/img0", "more/img1"]


def test_links_that_were_not_copied(root, one_line):
    put_tree(root)
    (root / "JPEGImages").rename(root.parent / "elsewhere")
    (root / "JPEGImages").write_text("../store")
    refused(one_line, root, "JPEGImages is a file", "link")
    (root / "JPEGImages").unlink()
    (root / "JPEGImages").symlink_to("../store")
    refused(one_line, root, "JPEGImages is a link to nothing")


def test_annotations_alone(root, one_line):
    put_tree(root)
    (root / "JPEGImages").rename(root.parent / "elsewhere")
    refused(one_line, root, "no JPEGImages", "no VOC tree")
    (root / "ImageSets").rename(root.parent / "lists")
    (root / "labelmap.txt").write_text("red:220,20,20::")
    refused(one_line, root, "no data that can be read", "VOC tree")


@pytest.mark.parametrize("folder", ["export", "VOCdevkit/VOC2007"])
def test_a_set_further_down(root, one_line, folder):
    if folder == "export":
        put(root / folder, "images/img0.jpg", "annotations/img0.xml")
    else:
        put_tree(root / folder)
    refused(one_line, root, "no VOC tree", f"there is one in {root / folder}")


def test_broken_images_are_named_together(root, one_line):
    put_tree(root, images=[f"img{number}.png" for number in range(6)])
    for number in (1, 3, 4, 5):
        (root / "JPEGImages" / f"img{number}.png").write_bytes(b"\x89PNG")
    refused(one_line, root, "4 of 6 images", "img1.png", "img3.png", "img4.png")


def test_annotations_of_other_images(root, one_line):
    put(root, "images/a.jpg")
    put(root, "images/b.jpg", "annotations/c.xml")
    refused(one_line, root, "none of its 1 XML files has an image of its name")


# Two images of one id.


def two_images(root, file_name):
    put_tree(root, {"img0": voc_xml(file_name=file_name)}, images=["img0.jpg", "img1.png"])
    put_image(root / "JPEGImages" / "img0.png", np.full((120, 160, 3), GREY, np.uint8))
    return root


def test_two_images_of_one_id_are_told_by_the_name_in_the_annotation(root):
    dataset = open_dataset(two_images(root, "img0.jpg"), "train")
    assert off_colour(dataset) == [] and dataset.image_path(0).name == "img0.jpg"
    assert dataset.notes == [f"{CHOSEN_BY_NAME}: 1 (first: img0)"]


@pytest.mark.parametrize("file_name", ["", "other.jpg"])
def test_two_images_of_one_id_that_nothing_tells_apart(root, one_line, file_name):
    refused(one_line, two_images(root, file_name), "'img0'", "img0.jpg and", "img0.png", "rename or remove")


def test_two_images_of_an_id_outside_of_the_split_do_no_harm(root):
    put_lists(two_images(root, ""), {"val": "img1"})
    assert len(VocDataset(root, "val")) == 1


def test_an_annotation_goes_with_the_image_of_its_own_name(root):
    put_tree(root, {"img0": voc_xml(file_name="img1.png"), "img1": voc_xml(BOTH, file_name="C:\\old\\name.jpg")})
    dataset = open_dataset(root, "train")
    assert dataset.image_path(0).name == "img0.png" and dataset.notes == [f"{OTHER_NAME}: 1 (first: img0)"]
