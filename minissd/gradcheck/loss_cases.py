"""The losses, ready to be checked: cases as in cases.py, whose targets are drawn and held fixed.

A loss has no dy but dloss, and its backward takes (cache, dloss): each case turns the two round.
"""

import numpy as np

from minissd import engine
from minissd.detection import (
    assign_predictors,
    multibox_loss,
    multibox_loss_backward,
    yolo_loss,
    yolo_loss_backward,
)
from minissd.device import to_like
from minissd.gradcheck import away_from, distinct
from minissd.metrics.segmentation import VOID, mask_loss, mask_loss_backward


def cross_entropy_case(rng):
    labels = rng.integers(0, 5, 6)
    backward = lambda dloss, cache: engine.cross_entropy_backward(cache, dloss)  # noqa: E731
    forward = lambda logits: engine.cross_entropy(logits, to_like(labels, logits))  # noqa: E731
    return forward, backward, [rng.standard_normal((6, 5)) * 2]


def smooth_l1_case(rng):
    target = rng.standard_normal((6, 4))
    difference = away_from(rng.standard_normal((6, 4)) * 2, (-1, 0, 1))
    backward = lambda dloss, cache: engine.smooth_l1_backward(cache, dloss)  # noqa: E731
    return lambda pred: engine.smooth_l1(pred, to_like(target, pred)), backward, [target + difference]


def binary_cross_entropy_case(rng):
    target = rng.uniform(0, 1, (6, 4))
    backward = lambda dloss, cache: engine.binary_cross_entropy_backward(cache, dloss)  # noqa: E731
    forward = lambda logits: engine.binary_cross_entropy(logits, to_like(target, logits))  # noqa: E731
    return forward, backward, [rng.standard_normal((6, 4)) * 2]


def multibox_loss_case(rng):
    """Images of 30 boxes, the last without objects, their background logits so far apart that the choice of hard
    negatives stays."""
    class_targets = np.where(rng.random((3, 30)) < 0.2, rng.integers(1, 4, (3, 30)), 0)
    class_targets[-1] = 0
    offset_targets = rng.standard_normal((3, 30, 4))
    offsets = offset_targets + away_from(rng.standard_normal((3, 30, 4)) * 2, (-1, 0, 1))
    logits = rng.uniform(-0.02, 0.02, (3, 30, 4))
    logits[..., 0] += distinct(rng, (3, 30))

    def forward(offsets, logits):
        targets = (to_like(target, logits) for target in (offset_targets, class_targets))
        return multibox_loss(offsets, logits, *targets, alpha=0.7, if_none=3)

    backward = lambda dloss, cache: multibox_loss_backward(cache, dloss)  # noqa: E731
    return forward, backward, [offsets, logits]


def yolo_loss_case(rng, anchors=None):
    """Two images of 3 x 3 cells with two predictors; who is responsible, and for what confidence, is held fixed."""
    answers = 1 if anchors is None else 2
    class_targets = np.where(rng.random((2, 3, 3, answers)) < 0.4, rng.integers(1, 4, (2, 3, 3, answers)), 0)
    box_targets = rng.uniform(0.1, 1, (2, 3, 3, answers, 4))
    inputs = [rng.standard_normal((2, 3, 3, 2, 5)), rng.standard_normal((2, 3, 3, answers, 3))]
    fixed = assign_predictors(inputs[0], class_targets, box_targets, anchors)

    def forward(boxes, classes):
        there = [None if array is None else to_like(array, boxes) for array in (class_targets, box_targets, anchors)]
        return yolo_loss(boxes, classes, *there, assignment=[to_like(array, boxes) for array in fixed])

    return forward, lambda dloss, cache: yolo_loss_backward(cache, dloss), inputs


def mask_loss_case(rng):
    masks = rng.choice(np.array([0, 1, 2, VOID], np.uint8), (2, 3, 4))
    backward = lambda dloss, cache: mask_loss_backward(cache, dloss)  # noqa: E731
    return lambda logits: mask_loss(logits, to_like(masks, logits)), backward, [rng.standard_normal((2, 3, 4, 2)) * 2]
