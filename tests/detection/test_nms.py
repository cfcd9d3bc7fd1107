"""Non-maximum suppression and the way from network output to detections."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strict_cupy import count_syncs

from minissd.detection import clip, decode, detections_from, iou, nms, to_centers, to_corners
from minissd.detection.suppression import BLOCK, first_survivors, survivors
from minissd.engine import softmax
from minissd.naive import boxes as loops
from minissd.properties.box_sets import corners, scored_corners
from minissd.properties.windows import seeds

THRESHOLDS = st.sampled_from([0.0, 0.25, 0.45, 0.5, 0.9])


@given(scored_corners(), THRESHOLDS)
def test_equals_the_loops(boxes, threshold):
    np.testing.assert_array_equal(nms(*boxes, threshold), loops.nms(*boxes, threshold))


@given(scored_corners(), THRESHOLDS)
def test_the_steps_of_the_algorithm_account_for_every_box_once(boxes, threshold):
    corners, scores = boxes
    steps = list(loops.nms_steps(corners, scores, threshold))
    np.testing.assert_array_equal([step.taken for step in steps], nms(corners, scores, threshold))
    waiting = set(range(len(scores)))
    for step in steps:
        assert scores[step.taken] == max(scores[box] for box in waiting)
        for box, overlap in step.removed.items():
            assert overlap > threshold
            np.testing.assert_allclose(overlap, iou(corners[[step.taken]], corners[[box]])[0, 0])
        waiting -= {step.taken, *step.removed}
        assert set(step.left) == waiting
        assert all(iou(corners[[step.taken]], corners[[box]])[0, 0] <= threshold for box in step.left)
    assert not waiting


@given(scored_corners(), THRESHOLDS)
def test_what_stays_overlaps_little_and_what_goes_overlaps_something_better(boxes, threshold):
    corners, scores = boxes
    kept = nms(corners, scores, threshold)
    overlaps = iou(corners, corners)
    assert (np.triu(overlaps[np.ix_(kept, kept)], 1) <= threshold).all()
    for gone in set(range(len(scores))) - set(kept):
        assert any(overlaps[gone, k] > threshold and scores[k] >= scores[gone] for k in kept)
    assert (np.diff(scores[kept]) <= 0).all()  # best first
    np.testing.assert_array_equal(nms(corners[kept], scores[kept], threshold), np.arange(len(kept)))


def test_many_boxes_go_through_in_blocks(rng):
    corner = rng.random((300, 2)) * 0.5
    corners = np.concatenate([corner, corner + 0.1 + 0.2 * rng.random((300, 2))], axis=1)
    scores = rng.random(300)
    np.testing.assert_array_equal(nms(corners, scores), loops.nms(corners, scores))


def test_a_chain_in_which_each_box_is_too_close_to_the_next_only():
    left = np.arange(200) * 0.3
    corners = np.stack([left, 0 * left, left + 1, 0 * left + 1], axis=1)  # IoU 0.54 with the next, then 0.25
    np.testing.assert_array_equal(nms(corners, -left + 100), np.arange(0, 200, 2))


def test_slip_a_box_goes_above_the_threshold_not_at_it():
    corners = np.array([[0, 0, 1, 1], [0, 0, 1, 0.5]])
    np.testing.assert_array_equal(nms(corners, np.array([0.9, 0.8]), iou_threshold=0.5), [0, 1])
    np.testing.assert_array_equal(nms(corners, np.array([0.9, 0.8]), iou_threshold=0.49), [0])


def test_score_threshold_and_top_k_choose_who_takes_part():
    corners = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [2, 2, 3, 3], [4, 4, 5, 5]], dtype=float)
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    np.testing.assert_array_equal(nms(corners, scores, score_threshold=0.7), [0, 2])
    np.testing.assert_array_equal(nms(corners, scores, top_k=2), [0])
    assert len(nms(corners[:0], scores[:0])) == 0


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"\(3, 4\) and \(2,\)"):
        nms(np.zeros((3, 4)), np.zeros(2))


@given(scored_corners(), seeds, THRESHOLDS, st.integers(1, 5))
def test_boxes_of_one_label_alone_remove_each_other_and_only_the_first_are_wanted(boxes, seed, threshold, limit):
    corners, scores = boxes
    order = np.argsort(-scores, kind="stable")
    labels = np.random.default_rng(seed).integers(0, 3, len(order))
    expected = []
    for label in range(3):
        mine = np.flatnonzero(labels == label)
        expected += mine[loops.nms(corners[order][mine], scores[order][mine], threshold)].tolist()
    found = first_survivors(corners[order], labels, threshold, limit)
    np.testing.assert_array_equal(found, sorted(expected)[:limit])


def test_the_work_ends_with_the_last_box_that_is_wanted(monkeypatch, rng):
    corner = rng.random((5 * BLOCK, 2))
    corners = np.concatenate([corner, corner + 1e-3], axis=1)  # none overlaps another: one block is enough
    looked_at = []
    monkeypatch.setitem(first_survivors.__globals__, "iou", lambda a, b: looked_at.append(len(b)) or iou(a, b))
    first_survivors(corners, np.zeros(len(corners), int), 0.45, limit=BLOCK // 2)
    assert sum(looked_at) <= 2 * BLOCK


@given(corners(min_boxes=9, max_boxes=9))
def test_the_card_settles_sets_side_by_side(corners):
    sets = corners.reshape(3, 3, 4)
    np.testing.assert_array_equal(survivors(sets, 0.3), [survivors(one, 0.3) for one in sets])
    for one in sets:
        kept = first_survivors(one, np.zeros(len(one), int), 0.3, len(one))
        np.testing.assert_array_equal(np.flatnonzero(survivors(one, 0.3)), kept)


def network_output(seed, images=2, boxes=60, classes=3):
    rng = np.random.default_rng(seed)
    offsets = rng.standard_normal((images, boxes, 4))
    logits = 2 * rng.standard_normal((images, boxes, classes + 1))
    default_boxes = np.concatenate([rng.random((boxes, 2)), 0.1 + 0.3 * rng.random((boxes, 2))], axis=1)
    return tuple(x.astype(np.float32) for x in (offsets, logits, default_boxes))


def detections_by_loops(offsets, logits, default_boxes, score_threshold, iou_threshold, candidates, limit):
    """Class by class with `loops.nms`, for one image: a list of (score, label, corners), best first."""
    boxes = clip(to_corners(decode(offsets, default_boxes)))
    found = []
    for label, scores in enumerate(softmax(logits).T[1:]):
        best = np.argsort(-scores, kind="stable")[:candidates]
        best = best[scores[best] > score_threshold]
        kept = best[loops.nms(boxes[best], scores[best], iou_threshold)]
        found += [(scores[k], label, boxes[k]) for k in kept]
    return sorted(found, key=lambda one: -one[0])[:limit]


SETTINGS = [(0.01, 0.45, 400, 200), (0.3, 0.2, 400, 200), (0.01, 0.45, 5, 200), (0.01, 0.45, 400, 4)]


@given(seeds, st.sampled_from(SETTINGS))
def test_detections_equal_the_loops(seed, settings):
    output = network_output(seed)
    for n, found in enumerate(detections_from(*output, *settings)):
        expected = detections_by_loops(output[0][n], output[1][n], output[2], *settings)
        assert len(found.scores) == len(expected)
        np.testing.assert_array_equal(found.scores, [score for score, _, _ in expected])
        np.testing.assert_array_equal(found.labels, [label for _, label, _ in expected])
        np.testing.assert_array_equal(found.corners, np.array([box for _, _, box in expected]).reshape(-1, 4))


def test_labels_are_without_background():
    default_boxes = to_centers(np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]]))
    logits = np.array([[[0, 9.0, 0], [9.0, 0, 0]]])  # class 1 inside the network; background
    (found,) = detections_from(np.zeros((1, 2, 4)), logits, default_boxes, score_threshold=0.5)
    np.testing.assert_array_equal(found.labels, [0])
    np.testing.assert_allclose(found.corners, [[0, 0, 0.5, 0.5]])


@pytest.mark.filterwarnings("error")
def test_a_network_that_sees_nothing():
    offsets, logits, default_boxes = network_output(0)
    logits[..., 0] += 100
    for found in detections_from(offsets, logits, default_boxes):
        assert (found.corners.shape, found.labels.shape, found.scores.shape) == ((0, 4), (0,), (0,))


def test_an_image_without_detections_beside_one_with_some():
    offsets, logits, default_boxes = network_output(0)
    logits[0, :, 0] += 100
    nothing, something = detections_from(offsets, logits, default_boxes)
    assert len(nothing.scores) == 0 < len(something.scores)


def test_on_the_card_the_detections_are_waited_for_once_however_many_boxes(strict):
    waits = []
    for images, boxes in (1, 10), (3, 200):
        output = network_output(1, images, boxes)
        on_host = detections_from(*output)
        with count_syncs() as causes:
            on_card = detections_from(*map(strict.asarray, output))
        waits.append(len(causes))
        for expected, got in zip(on_host, on_card, strict=True):
            assert all(isinstance(part, np.ndarray) for part in got)
            assert [part.dtype for part in got] == [part.dtype for part in expected]
            np.testing.assert_array_equal(got.labels, expected.labels)
            np.testing.assert_allclose(got.scores, expected.scores, rtol=1e-6)
            np.testing.assert_allclose(got.corners, expected.corners, atol=1e-6)
    assert waits == [1, 1]
