"""COCO objects with an outline and no box: the box around it."""

import numpy as np
import pytest
from coco_scenes import sized
from scenes import BLUE_BOX
from voc_scenes import off_colour

from minissd.data.coco_annotation import NO_BOX, OUTLINED
from minissd.data.coco_outlines import box_around


def test_a_box_around_the_outline(scenes):
    x, y, width, height = sized(BLUE_BOX)
    flat = [[x, y, x + width, y, x + width, y + 9], [x, y + 9, x, y + height]]
    mask = np.zeros((120, 160), np.uint8)
    mask[y : y + height, x : x + width] = 1
    for box, outline in zip(scenes.boxes[1::2], (flat, {"size": [120, 160], "counts": runs(mask)}, [])):
        box["segmentation"] = outline
        box["bbox"] = []
    del scenes.boxes[3]["bbox"]
    dataset = scenes.open()
    assert off_colour(dataset) == [] and [len(dataset.objects(i).labels) for i in range(3)] == [2, 2, 1]
    assert dataset.notes == [f"{OUTLINED}: 2 (first: img0.png)", f"{NO_BOX}: 1 (first: img2.png)"]


def runs(mask):
    """The run lengths of a mask, column by column, beginning with 0."""
    pixels = np.concatenate([[0], mask.T.reshape(-1), [2]])
    edges = np.flatnonzero(np.diff(pixels))
    return np.diff([0, *edges]).tolist()


def packed(counts):
    """The same as a string, as pycocotools writes it."""
    text = ""
    for place, count in enumerate(counts):
        value, more = count - (counts[place - 2] if place > 2 else 0), True
        while more:
            bits, value = value & 0x1F, value >> 5
            more = not (value == 0 and not bits & 0x10) and not (value == -1 and bits & 0x10)
            text += chr((bits | (0x20 if more else 0)) + 48)
    return text


@pytest.mark.parametrize("seed", range(30))
def test_boxes_around_masks(seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros((rng.integers(1, 40), rng.integers(1, 40)), np.uint8)
    mask[tuple(rng.integers(0, mask.shape[axis], 5) for axis in (0, 1))] = 1
    top, left = rng.integers(0, mask.shape[0]), rng.integers(0, mask.shape[1])
    mask[top : top + rng.integers(0, 20), left : left + rng.integers(0, 20)] = 1
    rows, columns = np.nonzero(mask)
    expected = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    for counts in (runs(mask), packed(runs(mask))):
        assert box_around({"size": list(mask.shape), "counts": counts}) == expected


def test_a_string_of_pycocotools():
    """mask.encode of a 6x8 mask with rows 1 to 3 of columns 2 to 5."""
    assert packed([13, 3, 3, 3, 3, 3, 3, 3, 14]) == "=3300000;"
    assert box_around({"size": [6, 8], "counts": "=3300000;"}) == [2, 1, 4, 3]


@pytest.mark.parametrize(
    "outline",
    [None, "x", [], [[1, 2]], [[1, 2, 3]], [["a", 1, 2, 3]], {}, {"size": [3, 3], "counts": "abc"}, {"size": 3}],
)
def test_outlines_that_are_none(outline):
    assert box_around(outline) is None
