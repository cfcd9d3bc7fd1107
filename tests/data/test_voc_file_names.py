"""Files of VOC sets: formats, names of any kind, links, and what other systems leave behind."""

import os
import unicodedata

import pytest
from refusals import refused
from voc_scenes import count_boxes, off_colour, put, put_image, put_lists, put_tree

from minissd.data import known_splits, open_dataset
from minissd.data.voc_places import UNLABELLED, find_places


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
