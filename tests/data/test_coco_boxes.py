"""COCO boxes as other tools write them, with their ids and sizes, lie on their colours."""

import numpy as np
import pytest
from coco_scenes import refused, whole
from scenes import BLUE_BOX, RED_BOX, as_stored, scene

from minissd.data.coco import CROWD
from minissd.data.coco_annotation import LISTED_TWICE, SCORED
from minissd.data.placing import CORNERS, DRAWN_UNTURNED, NO_EXTENT, OVER_THE_EDGE, SCALED, WRONG_SIZE
from minissd.data.samples import REPEATED

# Numbers.


@pytest.mark.parametrize("of_images", [int, float, str, "{}.0".format, " {}".format])
@pytest.mark.parametrize("of_annotations", [int, float, str])
def test_ids_are_the_same_however_they_are_written(scenes, of_images, of_annotations):
    for image in scenes.images:
        image.update(id=of_images(image["id"]), width=of_images(160), height=of_images(120))
    for box in scenes.boxes:
        box.update(image_id=of_annotations(box["image_id"]), category_id=of_annotations(box["category_id"]))
    for category in scenes.categories:
        category["id"] = of_images(category["id"])
    whole(scenes.open())


def test_ids_that_are_words(scenes):
    for entry, key in [(one, "id") for one in scenes.images] + [(one, "image_id") for one in scenes.boxes]:
        entry[key] = f"image {entry[key]}"
    for entry, key in [(one, "id") for one in scenes.categories] + [(one, "category_id") for one in scenes.boxes]:
        entry[key] = "abc"[entry[key]]
    whole(scenes.open())


def test_boxes_of_no_listed_image_are_an_error_and_those_of_some_a_note(scenes, one_line):
    del scenes.images[0]
    assert scenes.open().notes[0].endswith("left out: 1 (first: 7)")
    for box in scenes.boxes:
        box["image_id"] += 1000
    refused(one_line, scenes, scenes.path, "no box belongs", "1007", "the id 8")


def test_boxes_of_strings_and_of_no_extent(scenes):
    scenes.boxes[0]["bbox"] = list(map(str, scenes.boxes[0]["bbox"]))
    scenes.boxes += [{"image_id": 7, "category_id": 1, "bbox": box} for box in ([9, 9, 0, 5], [50, 9, -5, 5])]
    whole(scenes.open(), notes=[(NO_EXTENT, 2, "train/img0.png")])


def test_fractions_are_refused(scenes, one_line):
    for box in scenes.boxes:
        box["bbox"] = (np.array(box["bbox"]) / [160, 120, 160, 120]).tolist()
    refused(one_line, scenes, "fractions")


def test_corners_for_widths_are_noticed(scenes):
    for box, corners in zip(scenes.boxes, (RED_BOX, BLUE_BOX) * 3):
        box["bbox"] = list(corners)
    notes = scenes.open().notes
    first = "(first: train/img0.png)"
    assert notes == [f"{OVER_THE_EDGE}: 3 {first}", f"{CORNERS}: 6 {first}"]


def test_sums_that_are_not_exact_reach_over_no_edge(scenes):
    scenes.boxes = [{"image_id": 8, "category_id": 2, "bbox": [90 + 1e-13, 0.1, 70.00000000001, 119.9]}]
    assert not [note for note in scenes.open().notes if OVER_THE_EDGE in note]
    scenes.boxes[0]["bbox"][2] = 70.1
    assert [note for note in scenes.open().notes if OVER_THE_EDGE in note]


def test_what_a_detector_wrote_is_noticed(scenes):
    for box in scenes.boxes:
        box["score"] = 0.9
    whole(scenes.open(), notes=[(SCORED, 6, "img0.png")])


# Sizes.


@pytest.mark.parametrize("size", [{}, {"width": None, "height": None}, {"width": 0, "height": 0}, {"height": 9}])
def test_without_sizes_those_of_the_files_count(scenes, size):
    for image in scenes.images:
        del image["width"], image["height"]
        image.update(size)
    whole(scenes.open(), notes=[(WRONG_SIZE, 3, "train/img0.png")])


def test_sizes_exchanged(scenes):
    for image in scenes.images:
        image.update(width=120, height=160)
    whole(scenes.open(), notes=[(WRONG_SIZE, 3, "train/img0.png")])


def test_pictures_shrunk_afterwards(scenes):
    for image in scenes.images:
        image.update(width=320, height=240)
    for box in scenes.boxes:
        box["bbox"] = [2 * side for side in box["bbox"]]
    whole(scenes.open(), notes=[(SCALED, 3, "train/img0.png")])


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_drawn_before_the_turn(scenes, orientation):
    """The sizes and the boxes are those of the stored pixels."""
    across = scene()
    for image in scenes.images:
        shown = as_stored(across, {5: 5, 6: 8, 7: 7, 8: 6}[orientation])  # the picture that is stored as the scene
        np.testing.assert_array_equal(as_stored(shown, orientation), across)
        scenes.draw(image["file_name"], across, orientation)
    whole(scenes.open(), notes=[(DRAWN_UNTURNED, 3, "train/img0.png")])


def test_no_header_is_read_beyond_the_limit(scenes):
    (scenes.folder / "img2.png").write_bytes(b"broken")
    whole(scenes.open(limit=2), count=2)


# Entries listed twice, and crowds.


def test_everything_twice(scenes):
    scenes.boxes += scenes.boxes
    scenes.images += scenes.images[:1]
    scenes.categories += scenes.categories
    whole(scenes.open(), notes=[(LISTED_TWICE, 1, "img0.png"), (REPEATED, 6, "train/img0.png")])


@pytest.mark.parametrize("crowd", [1, True, "1", "true", 1.0, "True"])
def test_crowds_by_any_word(scenes, crowd):
    scenes.boxes[0]["iscrowd"] = crowd
    scenes.boxes[1]["iscrowd"] = "false"
    assert scenes.open().notes == [f"{CROWD}: 1 (first: train/img0.png)"]
