"""Boxes as loops: a box is four numbers, a set of boxes an array (n, 4), as corners unless said otherwise."""

import math
from typing import NamedTuple

import numpy as np


def iou(a, b):
    """Overlap of each box of a (A, 4) with each of b (B, 4) -> (A, B): the Jaccard coefficient."""
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


def to_corners(centers):
    """(n, 4) centers -> (n, 4) corners."""
    rows = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in np.asarray(centers, dtype=float)]
    return np.array(rows).reshape(-1, 4)


def to_centers(corners):
    """(n, 4) corners -> (n, 4) centers."""
    rows = [((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0) for x0, y0, x1, y1 in np.asarray(corners, dtype=float)]
    return np.array(rows).reshape(-1, 4)


def encode(objects, default_boxes, variances=(0.1, 0.2)):
    """The targets of objects (n, 4) and their default boxes (n, 4), SSD paper, eq. 2, by the variances; all centers."""
    rows = []
    for (g_cx, g_cy, g_w, g_h), (d_cx, d_cy, d_w, d_h) in zip(objects, default_boxes, strict=True):
        t_cx, t_cy = (g_cx - d_cx) / d_w, (g_cy - d_cy) / d_h
        t_w, t_h = math.log(g_w / d_w), math.log(g_h / d_h)
        rows.append((t_cx / variances[0], t_cy / variances[0], t_w / variances[1], t_h / variances[1]))
    return np.array(rows).reshape(-1, 4)


def match(objects_corners, labels, default_boxes, threshold=0.5):
    """Class targets (P,) and offset targets (P, 4) of one image, for default boxes (P, 4) given as centers."""
    class_targets, offset_targets = np.zeros(len(default_boxes), dtype=int), np.zeros((len(default_boxes), 4))
    objects = to_centers(objects_corners)
    for box, g in enumerate(assign_objects(iou(objects_corners, to_corners(default_boxes)), threshold)):
        if g >= 0:
            class_targets[box] = labels[g] + 1
            offset_targets[box] = encode(objects[g : g + 1], default_boxes[box : box + 1])[0]
    return class_targets, offset_targets


def assign_objects(overlaps, threshold=0.5):
    """The object that each default box answers for, -1 for none: overlaps (G, P) -> (P,).

    SSD paper, section 2.2: first the threshold, then each object claims a default box of its own.
    """
    objects, boxes = overlaps.shape
    object_of = np.full(boxes, -1)
    for box in range(boxes):
        best = max(range(objects), key=lambda g: overlaps[g, box], default=None)
        if best is not None and overlaps[best, box] > threshold:
            object_of[box] = best
    for g, box in enumerate(best_free_boxes(overlaps)):
        if box >= 0:
            object_of[box] = g
    return object_of


def best_free_boxes(overlaps):
    """The default box that each object claims, -1 for none: overlaps (G, P) -> (G,)."""
    own_box = np.full(len(overlaps), -1)
    free_objects, free_boxes = map(list, map(range, overlaps.shape))
    while free_objects and free_boxes:
        pairs = [(g, box) for g in free_objects for box in free_boxes]
        g, box = max(pairs, key=lambda pair: overlaps[pair])  # the best of all, the first of equals
        if overlaps[g, box] == 0:
            break
        own_box[g] = box
        free_objects.remove(g)
        free_boxes.remove(box)
    return own_box


class NmsStep(NamedTuple):
    """One turn of the loop: indices of boxes."""

    taken: int  # the best of those that were left
    removed: dict[int, float]  # box -> its IoU with the one taken
    left: list[int]  # those that stay in the game, best first


def nms_steps(corners, scores, iou_threshold=0.45):
    """Yield the `NmsStep`s of greedy suppression, one for each box that is taken, with a strict comparison."""
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
    """Average precision (Everingham et al. 2010) for recalls and precisions of equal length, recall rising."""

    def best_precision_from(wanted):
        return max((p for r, p in zip(recall, precision, strict=True) if r >= wanted), default=0.0)

    if method == "voc07":
        return sum(best_precision_from(k / 10) for k in range(11)) / 11
    area, reached = 0.0, 0.0
    for r in recall:
        area += (r - reached) * best_precision_from(r)
        reached = r
    return area
