"""Boxes of VOC annotations on their colours: whatever size is stated, whichever way a camera stored the picture."""

import unicodedata

import numpy as np
import pytest
from PIL import Image
from scenes import BLUE, BLUE_BOX, RED, RED_BOX, as_stored, scene
from voc_scenes import BOTH, RED_XML, bndbox, boxed, count_boxes, off_colour, put_image, put_tree, voc_xml

from minissd.data import open_dataset
from minissd.data.placing import FRACTIONS, NO_EXTENT, OVER_THE_EDGE, SCALED, WRONG_SIZE
from minissd.data.samples import ALIKE, NO_CLASS, REPEATED, UNSEEN
from minissd.data.voc import VocDataset
from minissd.errors import MinissdError

# Sizes: the rule itself is tested in test_placing.py.


@pytest.mark.parametrize(
    ("size", "note"),
    [
        (("160.0", "120.0"), None),
        ((" 160 ", "120"), None),
        (("0", "0"), WRONG_SIZE),
        (("120", "160"), WRONG_SIZE),
        (("", ""), WRONG_SIZE),
        (("wide", "high"), WRONG_SIZE),
        (("nan", "120"), WRONG_SIZE),
        (("500", "500"), WRONG_SIZE),
    ],
)
def test_sizes_that_are_wrong(opened, size, note):
    dataset = opened(voc_xml(size=size))
    assert off_colour(dataset) == [] and count_boxes(dataset) == 4
    assert dataset.notes == ([f"{note}: 1 (first: img0)"] if note else [])


def test_no_size_at_all(opened):
    dataset = opened(f"<annotation>{BOTH}</annotation>")
    assert off_colour(dataset) == [] and dataset.notes == [f"{WRONG_SIZE}: 1 (first: img0)"]


@pytest.mark.parametrize("scale", [2, 5])
def test_pictures_that_were_scaled_after_labelling(opened, scale):
    boxes = [bndbox(np.multiply(box, scale)) for box in (RED_BOX, BLUE_BOX)]
    dataset = opened(voc_xml(boxed(boxes[0]) + boxed(boxes[1], name="blue"), (160 * scale, 120 * scale)))
    assert off_colour(dataset) == [] and dataset.notes == [f"{SCALED}: 1 (first: img0)"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("stated", ["shown", "half", "missing", "stored, drawn as shown", "stored, drawn as stored"])
def test_pictures_that_a_camera_stored_turned(tmp_path, orientation, suffix, stated):
    """Whatever size is stated and on which picture the boxes were drawn, they lie on their colours."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(as_stored(scene(2), orientation))
    width, height = 320, 240
    if stated == "stored, drawn as stored" and orientation > 4:
        height, width, _ = stored.shape
        by_colour = {}
        for name, colour in (("red", RED), ("blue", BLUE)):
            rows, columns = np.nonzero((stored == colour).all(axis=2))
            by_colour[name] = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    else:
        by_colour = {"red": np.multiply(RED_BOX, 2), "blue": np.multiply(BLUE_BOX, 2)}
    if stated == "half":
        by_colour, width, height = {"red": RED_BOX, "blue": BLUE_BOX}, 160, 120
    elif stated == "missing":
        width, height = 0, 0
    elif stated == "stored, drawn as shown":
        height, width, _ = stored.shape
    xml = voc_xml("".join(boxed(bndbox(box), name=name) for name, box in by_colour.items()), (width, height))
    root = put_tree(tmp_path / "data", {"img0": xml}, lists={"train": "img0"})
    (root / "JPEGImages" / "img0.png").unlink()
    put_image(root / "JPEGImages" / f"img0{suffix}", stored, exif=exif, quality=95)
    dataset = VocDataset(root, "train")
    assert count_boxes(dataset) == 2 and off_colour(dataset) == []


def test_fractions_are_no_pixels(tmp_path, one_line):
    fractions = voc_xml(boxed("<bndbox><xmin>.1</xmin><ymin>.2</ymin><xmax>.4</xmax><ymax>.5</ymax></bndbox>"))
    root = put_tree(tmp_path / "data", {"img0": fractions, "img1": fractions})
    with pytest.raises(MinissdError) as caught:
        VocDataset(root, "train")
    one_line(caught, "2 of 2 boxes", "fractions", "pixels")
    assert f"{FRACTIONS}: 1 (first: img0)" in VocDataset(put_tree(root, {"img0": fractions}), "train").notes


def test_boxes_that_count_from_zero_reach_over_by_a_pixel(opened):
    whole = "<bndbox><xmin>0</xmin><ymin>0</ymin><xmax>160</xmax><ymax>120</ymax></bndbox>"
    dataset = opened(voc_xml(boxed(whole)))
    np.testing.assert_array_equal(dataset.objects(0).corners, [[0, 0, 1, 1]])
    assert dataset.notes == [f"{OVER_THE_EDGE}: 1 (first: img0)"]


# Objects and classes.


def test_boxes_of_one_pixel_and_boxes_there_twice_count_once(opened):
    point = "<bndbox><xmin>7</xmin><ymin>7</ymin><xmax>7</xmax><ymax>9</ymax></bndbox>"
    dataset = opened(voc_xml(boxed(point) + BOTH + RED_XML + RED_XML))
    assert [len(dataset.objects(i).labels) for i in range(2)] == [2, 2] and off_colour(dataset) == []
    assert sorted(dataset.notes) == sorted([f"{NO_EXTENT}: 1 (first: img0)", f"{REPEATED}: 2 (first: img0)"])


def test_the_same_box_of_two_classes_is_two_objects(opened):
    dataset = opened(voc_xml(RED_XML + RED_XML.replace("red", "blue")))
    assert dataset.objects(0).labels.tolist() == [1, 0] and dataset.notes == []


@pytest.mark.parametrize(
    "name", ["background", "_background_", "__background__", "__ignore__", "Background", "BACKGROUND"]
)
def test_background_is_no_class(opened, name, one_line):
    dataset = opened(voc_xml(BOTH + boxed(bndbox((0, 0, 160, 120)), name=name)))
    assert dataset.classes == ("blue", "red") and off_colour(dataset) == []
    assert dataset.notes == [f"{NO_CLASS}: 1 (first: img0)"]
    with pytest.raises(MinissdError) as caught:
        opened(voc_xml(boxed(bndbox((0, 0, 160, 120)), name=name)), classes=[name])
    one_line(caught, "not known", "blue, red")


@pytest.mark.parametrize(
    ("one", "other"),
    [("car", "Car"), ("traffic light", "trafficlight"), ("café", unicodedata.normalize("NFD", "café")), ("a", "Ａ")],
)
def test_classes_that_are_called_alike(opened, one, other):
    dataset = opened(voc_xml("".join(boxed(bndbox(RED_BOX), name=name) for name in (one, other))))
    assert set(dataset.classes) == {one, other, "red", "blue"}
    both = " and ".join(repr(name) for name in sorted((one, other)))
    assert f"{ALIKE}: 1 (first: {both})" in dataset.notes


def test_a_class_that_only_another_split_shows(tmp_path):
    root = put_tree(tmp_path / "data", {"img0": voc_xml(RED_XML)}, lists={"train": "img0", "val": "img1"})
    assert VocDataset(root, "train").notes == [f"{UNSEEN}: 1 (first: blue)"]
    assert VocDataset(root, "val").notes == []


def test_a_split_without_one_usable_object(tmp_path, one_line):
    nobody = voc_xml("")
    root = put_tree(tmp_path / "data", {"img0": nobody}, lists={"train": "img0", "val": "img1", "both": "img0\nimg1"})
    with pytest.raises(MinissdError) as caught:
        open_dataset(root, "train")
    one_line(caught, "none of its 1 images shows an object", "nothing to learn")
    assert count_boxes(open_dataset(root, "both")) == 2
