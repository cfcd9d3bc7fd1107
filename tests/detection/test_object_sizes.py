"""Scores of the objects of one size: what is of another size neither helps nor harms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.detection import Detections, Objects, evaluate_detections
from minissd.detection.object_sizes import SIZES, of_size
from minissd.properties.box_sets import corners

SMALL, LARGE = [0.1, 0.1, 0.2, 0.2], [0.3, 0.3, 0.9, 0.9]
TRUTH = Objects(np.array([SMALL, LARGE]), np.array([0, 0]), np.array([False, False]))


def found(*boxes):
    """Detections of class 0 from corners, best first."""
    return Detections(np.array(boxes), np.zeros(len(boxes), int), np.linspace(0.9, 0.1, len(boxes)))


def scores(detections, size):
    return evaluate_detections(*of_size([detections], [TRUTH], *SIZES[size]), ("thing",), method="area")


def test_each_size_has_its_own_hits_and_misses():
    alone = found(LARGE)
    assert (scores(alone, "large")["mAP"], scores(alone, "small")["mAP"]) == (1, 0)
    assert (scores(alone, "large")["recall"], scores(alone, "small")["recall"]) == (1, 0)
    assert np.isnan(scores(alone, "medium")["mAP"])  # there is no such object


def test_false_alarms_count_against_their_own_size():
    small_alarm, large_alarm = [0.7, 0.1, 0.75, 0.2], [0, 0.5, 0.6, 1]
    assert scores(found(small_alarm, SMALL, LARGE), "small")["mAP"] == pytest.approx(0.5)
    assert scores(found(small_alarm, SMALL, LARGE), "large")["mAP"] == 1
    assert scores(found(large_alarm, SMALL, LARGE), "large")["mAP"] == pytest.approx(0.5)
    assert scores(found(large_alarm, SMALL, LARGE), "small")["mAP"] == 1


def test_a_hit_counts_whatever_the_size_of_its_box():
    """An object of just under 1/8 found by a box of just over it is a small object that was found."""
    truth = Objects(np.array([[0, 0, 0.124, 0.124]]), np.array([0]), np.array([False]))
    part = of_size([found([0, 0, 0.13, 0.13])], [truth], *SIZES["small"])
    assert evaluate_detections(*part, ("thing",))["mAP"] == 1


@given(st.lists(st.tuples(corners(max_boxes=5), corners(max_boxes=5)), min_size=1, max_size=3))
def test_all_sizes_together_are_the_whole(images):
    objects = [Objects(b, np.zeros(len(b), int), np.zeros(len(b), bool)) for b, _ in images]
    detections = [Detections(b, np.zeros(len(b), int), np.linspace(0.9, 0.1, len(b))) for _, b in images]
    np.testing.assert_equal(
        evaluate_detections(*of_size(detections, objects, 0, np.inf), ("thing",)),
        evaluate_detections(detections, objects, ("thing",)),
    )
    wanted = [sum((~o.difficult).sum() for o in of_size(detections, objects, *range)[1]) for range in SIZES.values()]
    assert sum(wanted) == sum(len(o.labels) for o in objects)  # every object is of one size
