"""Which picture of a VOC set an annotation goes with: those without one, and two of one name."""

import numpy as np
import pytest
from refusals import refused
from scenes import GREY
from voc_scenes import BOTH, off_colour, put, put_image, put_lists, put_tree, voc_xml

from minissd.data import open_dataset
from minissd.data.voc import CHOSEN_BY_NAME, OTHER_NAME, VocDataset
from minissd.data.voc_places import NO_IMAGE, NO_XML, UNLABELLED


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
