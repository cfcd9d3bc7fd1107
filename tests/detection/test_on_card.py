"""Every function on boxes that takes arrays: on the card the numbers of NumPy, and no more waits than are said here."""

from typing import NamedTuple

import numpy as np
import pytest
import strict_cupy
from strict_cupy import count_syncs

from minissd import detection
from minissd.detection import to_centers
from minissd.device import to_device, to_numpy

HOST_ONLY = {
    "default_boxes": "computed once, when a network is built",
    "scales": "plain numbers",
    "coverage": "what is known of a data set before a network is built",
    "fit_boxes": "likewise",
    "encode_cells": "targets, made beside the images",
    "kept_objects": "likewise",
    "average_precision": "scores, from what came over",
    "evaluate_detections": "likewise",
    "judge": "likewise",
    "precision_recall_curves": "likewise",
}


class Row(NamedTuple):
    function: object  # (*arrays) -> an array, or several in a tuple or list
    arrays: list
    waits: int = 0


def corners_of(rng, *shape):
    edges = np.sort(rng.random((*shape, 2, 2)), axis=-2)  # (..., (min, max), (x, y))
    return edges.reshape(*shape, 4)


def rows():
    rng = np.random.default_rng(3)
    some, others, labels = corners_of(rng, 6), corners_of(rng, 40), rng.integers(0, 3, 6)
    offsets, logits = rng.standard_normal((2, 40, 4)), 2 * rng.standard_normal((2, 40, 4))
    class_targets = np.where(rng.random((2, 40)) < 0.2, rng.integers(1, 4, (2, 40)), 0)
    boxes, classes = rng.random((2, 3, 3, 2, 5)), rng.random((2, 3, 3, 1, 3))
    cell_targets = np.where(rng.random((2, 3, 3, 1)) < 0.4, rng.integers(1, 4, (2, 3, 3, 1)), 0)
    box_targets = rng.uniform(0.1, 1, (2, 3, 3, 1, 4))
    multibox = [offsets, logits, rng.standard_normal((2, 40, 4)), class_targets]
    yolo = [boxes, classes, cell_targets, box_targets]
    return {
        "clip": Row(detection.clip, [3 * some - 1]),
        "to_centers": Row(detection.to_centers, [some]),
        "to_corners": Row(detection.to_corners, [to_centers(some)]),
        "iou": Row(detection.iou, [some, others]),
        "encode": Row(detection.encode, [to_centers(others), to_centers(others[::-1])]),
        "decode": Row(detection.decode, [offsets, to_centers(others)]),
        # waits to find the few boxes that are matched: only those are encoded
        "match": Row(detection.match, [some, labels, to_centers(others)], waits=3),
        "hard_negatives": Row(detection.hard_negatives, [rng.random((2, 40)), class_targets > 0]),
        "match_count": Row(lambda targets: detection.match_count(targets, 10), [class_targets]),
        "multibox_loss": Row(lambda *a: detection.multibox_loss(*a, if_none=10)[0], multibox),
        "multibox_loss_backward": Row(
            lambda *a: detection.multibox_loss_backward(detection.multibox_loss(*a)[1]), multibox
        ),
        "detections_from": Row(detection.detections_from, [offsets, logits, to_centers(others)], waits=1),
        "nms": Row(detection.nms, [others, rng.random(40)], waits=2),  # what it returns is as long as boxes stay
        "decode_cells": Row(detection.decode_cells, [boxes]),
        "cell_detections": Row(detection.cell_detections, [boxes, classes], waits=1),
        "assign_predictors": Row(detection.assign_predictors, [boxes, cell_targets, box_targets]),
        "yolo_loss": Row(lambda *a: detection.yolo_loss(*a)[0], yolo),
        "yolo_loss_backward": Row(lambda *a: detection.yolo_loss_backward(detection.yolo_loss(*a)[1]), yolo),
    }


ROWS = rows()


def test_no_function_is_left_out():
    functions = {name for name in detection.__all__ if not isinstance(getattr(detection, name), type)}
    constants = {name for name in functions if name.isupper()}
    assert functions - constants == ROWS.keys() | HOST_ONLY.keys()


def flat(result):
    return [part for one in result for part in flat(one)] if isinstance(result, tuple | list) else [result]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_same_as_on_the_cpu(row, card):
    with count_syncs() as syncs:  # what happens on a real card it cannot count
        found = row.function(*(to_device(array, "cuda") for array in row.arrays))
    assert len(syncs) == (row.waits if card is strict_cupy.cupy else 0)
    expected = row.function(*row.arrays)
    for ours, theirs in zip(flat(found), flat(expected), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(to_numpy(ours), theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["detections_from", "cell_detections"])
@pytest.mark.parametrize("threshold", [0.01, 1.0])
def test_what_is_found_comes_over_in_one_piece(name, threshold, strict):
    """However much is found, and if nothing is."""
    row = ROWS[name]
    with count_syncs() as syncs:
        found = row.function(*map(strict.asarray, row.arrays), score_threshold=threshold)
    assert syncs == ["get"]
    expected = row.function(*row.arrays, score_threshold=threshold)
    for ours, theirs in zip(found, expected, strict=True):
        assert (len(ours.scores) > 0) == (threshold < 1)
        for one, other in zip(ours, theirs, strict=True):
            assert isinstance(one, np.ndarray)
            np.testing.assert_array_equal(one.shape, other.shape)
