"""Boxes as loops: a box is four numbers, a set of boxes an array (n, 4), as corners unless said otherwise."""

import math
from typing import NamedTuple

import numpy as np


def iou(a, b):
    """Overlap of each box of a (A, 4) with each of b (B, 4) -> (A, B).  SSD notes, "Jaccard coefficient"."""
    return np.array([[_iou_of_two(first, second) for second in b] for first in a]).reshape(len(a), len(b))


def _iou_of_two(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    area_a = (a[2] - a[0]) * (a[3] - a[1])
    area_b = (b[2] - b[0]) * (b[3] - b[1])
    return shared / (area_a + area_b - shared)


def match(objects_corners, labels, default_boxes, threshold=0.5):
    """Class targets (P,) and offset targets (P, 4) of one image, for default boxes (P, 4) given as centers.

    SSD paper, section 2.2: first the threshold, then each object claims a default box of its own.
    """
    corners = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in default_boxes]
    overlaps = iou(objects_corners, corners)  # (G, P)
    object_of = {}  # default box -> object
    free_objects, free_boxes = list(range(len(labels))), list(range(len(default_boxes)))

    for box in free_boxes:
        best = max(free_objects, key=lambda g: overlaps[g, box], default=None)
        if best is not None and overlaps[best, box] > threshold:
            object_of[box] = best

    while free_objects and free_boxes:
        pairs = [(g, box) for g in free_objects for box in free_boxes]
        g, box = max(pairs, key=lambda pair: overlaps[pair])  # the best of all, the first of equals
        if overlaps[g, box] == 0:
            break
        object_of[box] = g
        free_objects.remove(g)
        free_boxes.remove(box)

    class_targets, offset_targets = np.zeros(len(default_boxes), dtype=int), np.zeros((len(default_boxes), 4))
    for box, g in object_of.items():
        class_targets[box] = labels[g] + 1
        offset_targets[box] = _offsets(objects_corners[g], default_boxes[box])
    return class_targets, offset_targets


def _offsets(corners, default_center):
    """The notes' t for one object and one default box, divided by the variances."""
    g_w, g_h = corners[2] - corners[0], corners[3] - corners[1]
    g_cx, g_cy = corners[0] + g_w / 2, corners[1] + g_h / 2
    d_cx, d_cy, d_w, d_h = default_center
    t_cx, t_cy = (g_cx - d_cx) / d_w, (g_cy - d_cy) / d_h
    return t_cx / 0.1, t_cy / 0.1, math.log(g_w / d_w) / 0.2, math.log(g_h / d_h) / 0.2


def hard_negatives(conf_loss, positive, ratio=3):
    """Mask (P,) of the negatives of one image with the highest loss, ratio to each positive."""
    negatives = [box for box in range(len(conf_loss)) if not positive[box]]
    negatives.sort(key=lambda box: -conf_loss[box])  # stable: of equals the first stays first
    chosen = negatives[: ratio * sum(map(bool, positive))]
    return np.array([box in chosen for box in range(len(conf_loss))], dtype=bool)


class NmsStep(NamedTuple):
    """One turn of the loop: indices of boxes."""

    taken: int  # the best of those that were left
    removed: dict[int, float]  # box -> its IoU with the one taken
    left: list[int]  # those that stay in the game, best first


def nms_steps(corners, scores, iou_threshold=0.45):
    """Yield the `NmsStep`s of the lecture's Algorithm 1, lines 4 to 14, with a strict comparison."""
    left = sorted(range(len(scores)), key=lambda box: -scores[box])
    while left:
        best, *left = left
        overlaps = {box: _iou_of_two(corners[best], corners[box]) for box in left}
        removed = {box: overlap for box, overlap in overlaps.items() if overlap > iou_threshold}
        left = [box for box in left if box not in removed]
        yield NmsStep(best, removed, left)


def nms(corners, scores, iou_threshold=0.45):
    """Kept indices, best first."""
    return np.array([step.taken for step in nms_steps(corners, scores, iou_threshold)], dtype=int)


def average_precision(recall, precision, method="voc07"):
    """SSD notes, "Average precision", for recalls and precisions of equal length, recall rising."""

    def best_precision_from(wanted):
        return max((p for r, p in zip(recall, precision, strict=True) if r >= wanted), default=0.0)

    if method == "voc07":
        return sum(best_precision_from(k / 10) for k in range(11)) / 11
    area, reached = 0.0, 0.0
    for r in recall:
        area += (r - reached) * best_precision_from(r)
        reached = r
    return area
