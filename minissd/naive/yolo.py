"""YOLO as loops over images, cells, predictors and classes (Redmon et al. 2016, eq. 3)."""

import math

import numpy as np

from minissd.naive.boxes import iou, to_centers, to_corners


def encode_cells(corners, labels, side):
    """Class targets (S, S) and box targets (S, S, 4) of one image without anchors; the first object of a cell stays."""
    class_targets, box_targets = np.zeros((side, side), dtype=int), np.zeros((side, side, 4))
    for (c_x, c_y, w, h), label in zip(to_centers(corners), labels, strict=True):
        i, j = min(int(c_y * side), side - 1), min(int(c_x * side), side - 1)
        if class_targets[i, j] == 0:
            class_targets[i, j] = label + 1
            box_targets[i, j] = c_x * side - j, c_y * side - i, w, h
    return class_targets, box_targets


def yolo_loss(boxes, classes, class_targets, box_targets, anchors=None):
    """The five terms (center, size, object, empty, class), each a sum divided by the number of images.

    Shapes as for `minissd.detection.yolo_losses`.
    """
    terms = dict.fromkeys(("center", "size", "object", "empty", "class"), 0.0)
    images, side, _, predictors, _ = boxes.shape
    for n in range(images):
        for i in range(side):
            for j in range(side):
                cell = boxes[n, i, j], classes[n, i, j], class_targets[n, i, j], box_targets[n, i, j]
                if anchors is None:
                    _add_cell(terms, *cell, side, [(1, 1)] * predictors)
                else:
                    for b in range(predictors):  # each predictor is like a cell of its own
                        _add_cell(terms, *(part[b : b + 1] for part in cell), side, anchors[b : b + 1])
    return {name: total / images for name, total in terms.items()}


def _add_cell(terms, boxes, classes, class_targets, box_targets, side, units):
    """Predictors (B, 5) that share one object: classes (1, C), class_targets (1,), box_targets (1, 4)."""
    target = class_targets[0]
    if target == 0:
        for box in boxes:
            terms["empty"] += 0.5 * box[4] ** 2
        return
    overlaps = predictor_overlaps(boxes, box_targets[0], side, units)
    responsible = max(range(len(boxes)), key=lambda b: overlaps[b])  # the first of equals
    for b, box in enumerate(boxes):
        if b != responsible:
            terms["empty"] += 0.5 * box[4] ** 2
            continue
        x, y, w, h = box_targets[0]
        terms["center"] += 5 * ((x - box[0]) ** 2 + (y - box[1]) ** 2)
        root_w, root_h = math.sqrt(w / units[b][0]), math.sqrt(h / units[b][1])
        terms["size"] += 5 * ((root_w - box[2]) ** 2 + (root_h - box[3]) ** 2)
        terms["object"] += (overlaps[b] - box[4]) ** 2
    for c, probability in enumerate(classes[0]):
        terms["class"] += ((c + 1 == target) - probability) ** 2


def predictor_overlaps(boxes, target, side, units=None):
    """IoU of the box of each predictor (B, 5) with the object (4,) of their cell -> list of B.

    Both start from the corner of the cell, in parts of the image.  units: the anchors, if there are any.
    """
    x, y, w, h = target
    wanted = to_corners([(x / side, y / side, w, h)])
    units = [(1, 1)] * len(boxes) if units is None else units
    overlaps = []
    for box, unit in zip(boxes, units, strict=True):
        predicted = box[0] / side, box[1] / side, unit[0] * box[2] ** 2, unit[1] * box[3] ** 2
        overlaps.append(iou(to_corners([predicted]), wanted)[0, 0])
    return overlaps
