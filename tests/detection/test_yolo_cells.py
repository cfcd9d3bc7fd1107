"""Objects as labels of cells, and what cells say as boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strict_cupy import count_syncs
from yolo_cases import ANCHORS, anchor_sets, batch, objects

from minissd import naive
from minissd.detection import (
    cell_detections,
    clip,
    decode_cells,
    encode_cells,
    iou,
    kept_objects,
    to_centers,
    to_corners,
)
from minissd.device import to_numpy
from minissd.properties.box_sets import corners
from minissd.properties.windows import seeds

sides = st.integers(1, 9)


def perfect_predictions(class_targets, box_targets, anchors=None, classes=3):
    """What a network would have to put out to say just this: boxes (1, S, S, B, 5), classes (1, S, S, A, C)."""
    units = 1 if anchors is None else anchors
    present = (class_targets > 0)[..., None].astype(float)
    boxes = np.concatenate([box_targets[..., :2], np.sqrt(box_targets[..., 2:] / units), present], axis=-1)
    return boxes[None], (class_targets[..., None] == np.arange(1, classes + 1)).astype(float)[None]


# --- encoding ---


@given(seeds, st.integers(0, 12), sides, anchor_sets)
def test_decoding_gives_back_what_was_encoded(seed, count, side, anchors):
    corners, labels = objects(np.random.default_rng(seed), count)
    class_targets, box_targets = encode_cells(corners, labels, side, anchors, np.float64)
    boxes, _ = perfect_predictions(class_targets, box_targets, anchors)
    decoded, present = to_corners(decode_cells(boxes, anchors))[0], class_targets > 0
    kept = kept_objects(corners, side, anchors)
    assert present.sum() == len(kept)
    found = sorted(zip(decoded[present].round(9).tolist(), (class_targets[present] - 1).tolist(), strict=True))
    assert found == sorted(zip(corners[kept].round(9).tolist(), labels[kept].tolist(), strict=True))


@given(seeds, st.integers(1, 12), sides)
def test_an_object_belongs_to_the_cell_its_centre_lies_in(seed, count, side):
    corners, labels = objects(np.random.default_rng(seed), count)
    class_targets, box_targets = encode_cells(corners, labels, side, dtype=np.float64)
    first_of = {}
    for (c_x, c_y, w, h), label in zip(to_centers(corners), labels, strict=True):
        cell = int(c_y * side), int(c_x * side)  # row, column
        first_of.setdefault(cell, (label + 1, c_x * side - cell[1], c_y * side - cell[0], w, h))
    for row, column in np.ndindex(side, side):
        expected = first_of.get((row, column), (0,) * 5)
        assert class_targets[row, column, 0] == expected[0]
        np.testing.assert_allclose(box_targets[row, column, 0], expected[1:], atol=1e-12)


def test_of_two_objects_in_a_cell_the_first_stays_unless_anchors_tell_them_apart():
    tall, wide = np.array([[0.4, 0.1, 0.6, 0.9], [0.1, 0.4, 0.9, 0.6]])
    pair, labels = np.stack([wide, tall]), np.array([2, 0])
    class_targets, _ = encode_cells(pair, labels, 7)
    assert class_targets.sum() == class_targets[3, 3, 0] == 3
    np.testing.assert_array_equal(kept_objects(pair, 7), [0])
    class_targets, _ = encode_cells(pair, labels, 7, ANCHORS)
    np.testing.assert_array_equal(class_targets[3, 3], [0, 1, 3])  # small, tall, wide
    np.testing.assert_array_equal(kept_objects(pair, 7, ANCHORS), [0, 1])
    np.testing.assert_array_equal(kept_objects(np.stack([wide, wide]), 7, ANCHORS), [0])


@given(corners(min_boxes=1, max_boxes=6))
def test_the_anchor_is_that_of_the_highest_overlap_around_one_centre(boxes):
    labels = np.zeros(len(boxes), int)
    for box in boxes:
        class_targets, _ = encode_cells(box[None], labels[:1], 3, ANCHORS)
        _, _, predictor = np.argwhere(class_targets)[0]
        size = to_centers(box)[2:]
        overlaps = naive.iou([(*-size / 2, *size / 2)], np.concatenate([-ANCHORS / 2, ANCHORS / 2], axis=1))[0]
        assert overlaps[predictor] == pytest.approx(overlaps.max())


def test_a_centre_on_the_last_edge_belongs_to_the_last_cell():
    class_targets, box_targets = encode_cells(np.array([[0.9, 0.8, 1.1, 1.2]]), np.array([0]), 4)
    assert class_targets[3, 3, 0] == 1
    np.testing.assert_allclose(box_targets[3, 3, 0, :2], 1, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_labels_have_the_dtype_asked_for(dtype):
    corners, labels = objects(np.random.default_rng(0), 5, np.float32)
    class_targets, box_targets = encode_cells(corners, labels, 4, dtype=dtype)
    assert (class_targets.dtype, box_targets.dtype) == (np.int64, dtype)


def test_slip_x_and_y_are_relative_to_the_cell_and_x_runs_over_the_columns():
    _, box_targets = encode_cells(np.array([[0.7, 0.1, 0.8, 0.4]]), np.array([0]), 2)  # centre (.75, .25)
    np.testing.assert_allclose(box_targets[0, 1, 0], [0.5, 0.5, 0.1, 0.3], rtol=1e-5)


# --- decoding ---


@given(seeds, anchor_sets)
def test_the_sign_of_a_root_does_not_matter_to_the_box(seed, anchors):
    boxes = batch(seed, anchors)[0]
    flipped = boxes * [1, 1, -1, -1, 1]
    np.testing.assert_array_equal(decode_cells(boxes, anchors), decode_cells(flipped, anchors))
    assert (decode_cells(boxes, anchors)[..., 2:] >= 0).all()


@given(seeds, anchor_sets)
def test_detections_are_those_of_the_loops(seed, anchors):
    boxes, classes, *_ = batch(seed, anchors)
    for n, found in enumerate(cell_detections(boxes, classes, anchors, score_threshold=0.1)):
        expected = []
        corners = clip(to_corners(decode_cells(boxes, anchors)))[n].reshape(-1, 4)
        probability = np.broadcast_to(classes[n], (3, 3, 3, 3)).reshape(-1, 3)  # of each predictor
        confidence = boxes[n, ..., 4].reshape(-1)
        for label in range(3):
            scores = np.clip(confidence, 0, 1) * np.clip(probability[:, label], 0, 1)
            some = np.flatnonzero(scores > 0.1)
            kept = some[naive.nms(corners[some], scores[some])]
            expected += [(scores[k], label, corners[k].tolist()) for k in kept]
        expected.sort(key=lambda one: -one[0])
        np.testing.assert_allclose(found.scores, [one[0] for one in expected])
        assert found.labels.tolist() == [one[1] for one in expected]
        np.testing.assert_allclose(found.corners, np.array([one[2] for one in expected]).reshape(-1, 4))


@given(seeds, st.integers(0, 6), anchor_sets)
def test_perfect_predictions_are_detected_as_the_objects(seed, count, anchors):
    corners, labels = objects(np.random.default_rng(seed), count)
    kept = kept_objects(corners, 7, anchors)
    boxes, classes = perfect_predictions(*encode_cells(corners, labels, 7, anchors, np.float64), anchors)
    (found,) = cell_detections(boxes, classes, anchors, iou_threshold=1.0)
    np.testing.assert_array_equal(found.scores, 1)
    np.testing.assert_array_equal(np.sort(found.labels), np.sort(labels[kept]))
    assert len(kept) == 0 or iou(found.corners, corners[kept]).max(axis=0).min() > 1 - 1e-9


def test_two_negatives_make_no_detection():
    boxes, classes = np.full((1, 1, 1, 1, 5), -0.9), np.full((1, 1, 1, 1, 2), -0.9)
    assert len(cell_detections(boxes, classes)[0].scores) == 0


@pytest.mark.parametrize("anchors", [None, ANCHORS.astype(np.float32)])
def test_on_the_card(strict, anchors):
    boxes, classes, *_ = batch(3, anchors, dtype=np.float32)
    there = None if anchors is None else strict.asarray(anchors)
    with count_syncs() as causes:
        decoded = decode_cells(strict.asarray(boxes), there)
    assert causes == []
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(to_numpy(decoded), decode_cells(boxes, anchors), rtol=1e-6)
    found = cell_detections(strict.asarray(boxes), strict.asarray(classes), there)
    for ours, theirs in zip(found, cell_detections(boxes, classes, anchors), strict=True):
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        np.testing.assert_allclose(ours.corners, theirs.corners, atol=1e-6)
