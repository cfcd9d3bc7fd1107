"""What became of each object."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yolo_cases import ANCHORS

from minissd.detection import Detections, Objects
from minissd.detection.object_errors import lost_in_cells, object_errors
from minissd.properties.box_sets import corners

TRUTH = Objects(
    np.array([[0, 0, 0.4, 0.4], [0.5, 0.5, 0.6, 0.9], [0.5, 0, 0.9, 0.4], [0, 0.6, 0.2, 0.8]]),
    np.array([0, 1, 1, 0]),
    np.array([False, False, False, True]),
)


def found(*boxes):
    """Detections from (corners, label, score)."""
    boxes = [np.array(part) for part in zip(*boxes, strict=True)]
    return Detections(*boxes)


def test_objects_are_found_badly_placed_or_missed_and_difficult_ones_left_out():
    detections = found(([0, 0, 0.4, 0.3], 0, 0.9), ([0.5, 0.8, 0.6, 1], 1, 0.8), ([0.5, 0, 0.9, 0.4], 0, 0.7))
    errors = object_errors([detections], [TRUTH], [0, 0])
    np.testing.assert_allclose(errors.overlaps, [0.75, 0.1 / 0.5, 0])  # the third has the wrong class
    np.testing.assert_allclose(errors.sides, [0.4, 0.2, 0.4])
    np.testing.assert_array_equal(errors.labels, [0, 1, 1])
    assert errors.shares(np.array([True, True, True])) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert np.isnan(errors.shares(np.zeros(3, bool))).all()


def test_a_detection_counts_from_the_least_score_of_its_class_on():
    detections = found(([0, 0, 0.4, 0.4], 0, 0.5), ([0.5, 0.5, 0.6, 0.9], 1, 0.5))
    errors = object_errors([detections], [TRUTH], [0.6, 0.5])
    np.testing.assert_allclose(errors.overlaps, [0, 1, 0])


def test_images_without_objects_or_without_detections():
    nothing = Detections(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    no_object = Objects(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0, bool))
    errors = object_errors([nothing, found(([0, 0, 1, 1], 0, 0.9))], [TRUTH, no_object], [0, 0])
    np.testing.assert_array_equal(errors.overlaps, [0, 0, 0])


@given(st.lists(corners(max_boxes=6), max_size=3), st.integers(1, 5))
def test_every_cell_loses_all_its_objects_but_one(images, side):
    objects = [Objects(boxes, np.zeros(len(boxes), int), np.zeros(len(boxes), bool)) for boxes in images]
    lost = 0
    for boxes in images:
        cells = [(int((b[0] + b[2]) / 2 * side), int((b[1] + b[3]) / 2 * side)) for b in boxes]
        lost += len(cells) - len(set(cells))
    assert lost_in_cells(objects, side) == lost
    assert lost_in_cells(objects, side, ANCHORS) <= lost
