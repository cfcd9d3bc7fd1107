"""Matching: every object gets a box of its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strict_cupy import count_syncs

from minissd.detection import SSD300, default_boxes, encode, iou, match, to_centers, to_corners
from minissd.device import to_numpy
from minissd.naive import boxes as loops
from minissd.properties.box_sets import corners

THIRDS = to_centers(np.array([[0, 0, 1 / 3, 1], [1 / 3, 0, 2 / 3, 1], [2 / 3, 0, 1, 1]]))


def labels_for(objects):
    return np.arange(len(objects)) % 3


@given(corners(), corners(min_boxes=1), st.sampled_from([0.25, 0.5, 0.75]))
def test_equals_the_loops(objects, boxes, threshold):
    labels, boxes = labels_for(objects), to_centers(boxes)
    class_targets, offset_targets = match(objects, labels, boxes, threshold)
    expected_classes, expected_offsets = loops.match(objects, labels, boxes, threshold)
    np.testing.assert_array_equal(class_targets, expected_classes)
    np.testing.assert_allclose(offset_targets, expected_offsets, atol=1e-12)


@given(corners(min_boxes=1, max_boxes=6))
def test_every_object_is_learnt_by_some_box_of_ssd300(objects):
    boxes, objects = default_boxes(SSD300), objects.astype(np.float32)
    class_targets, offset_targets = match(objects, np.arange(len(objects)), boxes)
    assert (class_targets.dtype, offset_targets.dtype) == (np.int64, np.float32)
    assert set(class_targets) - {0} == set(range(1, len(objects) + 1))  # label + 1, also of the last label
    for box in np.flatnonzero(class_targets):
        expected = encode(to_centers(objects[class_targets[box] - 1]), boxes[box])
        np.testing.assert_allclose(offset_targets[box], expected, atol=1e-5)
    assert not offset_targets[class_targets == 0].any()


@given(corners(min_boxes=1, max_boxes=6))
def test_every_box_above_the_threshold_is_matched_and_few_others(objects):
    boxes, objects = default_boxes(SSD300), objects.astype(np.float32)
    class_targets, _ = match(objects, labels_for(objects), boxes)
    above = iou(objects, to_corners(boxes)).max(axis=0) > 0.5
    assert (class_targets[above] > 0).all()
    assert np.count_nonzero(class_targets[~above]) <= len(objects)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_trap_5_two_objects_that_share_a_best_box_both_get_one(order):
    exact, longer = [0, 0, 1 / 3, 1], [0, 0, 0.35, 1]  # both overlap the first third best, by 1 and by 0.95
    objects, labels = np.array([exact, longer])[order], np.array([0, 1])[order]
    class_targets, offset_targets = match(objects, labels, THIRDS)
    np.testing.assert_array_equal(class_targets, [1, 2, 0])  # the longer one reaches into the second third
    np.testing.assert_allclose(offset_targets[1], encode(to_centers(np.array([longer])), THIRDS[1:2])[0])


def test_trap_5_an_object_that_overlaps_nothing_does_not_take_box_0():
    class_targets, offset_targets = match(np.array([[2.0, 2, 3, 3]]), np.array([0]), THIRDS)
    np.testing.assert_array_equal(class_targets, 0)
    np.testing.assert_array_equal(offset_targets, 0)


def test_the_threshold_itself_is_not_enough():
    boxes = to_centers(np.array([[0, 0, 1, 1], [0, 0, 1, 0.5]]))
    whole = np.array([[0.0, 0, 1, 1]])
    np.testing.assert_array_equal(match(whole, np.array([0]), boxes, threshold=0.5)[0], [1, 0])
    np.testing.assert_array_equal(match(whole, np.array([0]), boxes, threshold=0.49)[0], [1, 1])


def test_an_object_keeps_its_best_box_even_if_another_object_overlaps_that_box_more():
    boxes = to_centers(np.array([[0, 0, 1, 1], [0, 0, 0.5, 0.5]]))
    objects = np.array([[0, 0, 1, 0.9], [0, 0, 0.9, 0.9]])  # both overlap box 0 most, by 0.9 and by 0.81
    np.testing.assert_array_equal(match(objects, np.array([4, 7]), boxes)[0], [5, 8])


def test_more_objects_than_boxes():
    class_targets, _ = match(np.repeat([[0, 0, 0.3, 1]], 5, axis=0), np.arange(5), THIRDS)
    np.testing.assert_array_equal(class_targets, [1, 0, 0])


def test_no_object_makes_everything_background():
    class_targets, offset_targets = match(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), THIRDS)
    np.testing.assert_array_equal(class_targets, np.zeros(3))
    np.testing.assert_array_equal(offset_targets, np.zeros((3, 4)))


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"\(2, 4\) and \(3,\)"):
        match(np.zeros((2, 4)), np.zeros(3, int), THIRDS)


def test_on_the_card_the_number_of_waits_does_not_grow_with_the_objects(strict):
    waits, boxes = [], default_boxes(SSD300)[::40]
    for objects in THIRDS[:1], np.concatenate([to_corners(THIRDS)] * 4):
        objects = objects.astype(np.float32)
        on_host = match(objects, labels_for(objects), boxes)
        with count_syncs() as causes:
            on_card = match(*map(strict.asarray, (objects, labels_for(objects), boxes)))
        waits.append(len(causes))
        for expected, got in zip(on_host, on_card, strict=True):
            np.testing.assert_array_equal(to_numpy(got), expected)
    assert waits[0] == waits[1]
