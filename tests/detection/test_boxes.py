"""Boxes: overlaps and offsets.  The formulas stand in properties/, to which tests/course holds the library too."""

import numpy as np
import pytest
from hypothesis import given

from minissd.detection import clip, decode, encode, iou, to_centers, to_corners
from minissd.properties.box_sets import corners, offsets

POINT = np.array([[0.25, 0.25, 0.25, 0.25]])


@given(corners(), corners())
def test_iou_is_symmetric_and_between_0_and_1(a, b):
    a, b = a.astype(np.float32), b.astype(np.float32)
    overlaps = iou(a, b)
    assert overlaps.dtype == np.float32
    assert ((overlaps >= 0) & (overlaps <= 1)).all()
    np.testing.assert_array_equal(overlaps, iou(b, a).T)
    np.testing.assert_array_equal(np.diag(iou(a, a)), 1)


def test_iou_of_boxes_without_extent_is_0_not_nan():
    whole = np.array([[0.0, 0, 1, 1]])
    for a, b in (POINT, POINT), (POINT, whole), (whole, POINT), (POINT.astype(np.float32), whole):
        np.testing.assert_array_equal(iou(a, b), [[0]])


def test_iou_of_disjoint_and_touching_boxes_is_0():
    a = np.array([[0, 0, 0.5, 0.5]])
    b = np.array([[0.5, 0, 1, 0.5], [0.6, 0.6, 1, 1]])
    np.testing.assert_array_equal(iou(a, b), [[0, 0]])


def test_iou_takes_leading_axes(rng):
    low = rng.random((3, 2, 5, 2))
    boxes = np.concatenate([low, low + rng.random(low.shape)], axis=-1)
    np.testing.assert_array_equal(iou(boxes[..., :2, :], boxes)[1, 0], iou(boxes[1, 0, :2], boxes[1, 0]))


@given(offsets((4, 4)), corners(min_boxes=4, max_boxes=4))
def test_encode_undoes_decode(predicted, default_boxes):
    default_boxes = to_centers(default_boxes)
    np.testing.assert_allclose(encode(decode(predicted, default_boxes), default_boxes), predicted, atol=1e-9)


def test_a_single_box_needs_no_axis_of_boxes():
    box, default_box = np.array([0.2, 0.3, 0.1, 0.2]), np.array([0.5, 0.5, 0.2, 0.2])
    assert to_corners(box).shape == (4,)
    np.testing.assert_allclose(decode(encode(box, default_box), default_box), box)


def test_variances_divide_the_notes_targets():
    default_box, thing = np.array([[0.5, 0.5, 0.2, 0.4]]), np.array([[0.6, 0.4, 0.4, 0.4]])
    expected = [0.1 / 0.2 / 0.1, -0.1 / 0.4 / 0.1, np.log(2) / 0.2, 0]
    np.testing.assert_allclose(encode(thing, default_box), [expected])
    notes = encode(thing, default_box, variances=(1, 1))
    np.testing.assert_allclose(notes, [[0.1 / 0.2, -0.1 / 0.4, np.log(2), 0]])


@pytest.mark.filterwarnings("error")
def test_a_wild_prediction_decodes_to_finite_corners():
    boxes = clip(to_corners(decode(np.full((1, 4), 1e4, np.float32), np.full((1, 4), 0.5, np.float32))))
    assert np.isfinite(boxes).all() and boxes.dtype == np.float32
