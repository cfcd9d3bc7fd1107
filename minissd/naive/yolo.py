"""The YOLO loss as loops over images, cells, predictors and classes (lecture, "Loss"; Redmon et al. 2016, eq. 3)."""

import math

from minissd.naive.boxes import iou


def yolo_loss(boxes, classes, class_targets, box_targets, anchors=None):
    """The five terms (center, size, object, empty, class), each a sum divided by the number of images.

    Shapes as for `minissd.detection.yolo_loss`.
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
    overlaps = [_overlap(box, box_targets[0], side, unit) for box, unit in zip(boxes, units, strict=True)]
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


def _overlap(box, target, side, unit):
    """IoU of a predicted box and an object; both start from the corner of the cell, in parts of the image."""
    w, h = unit[0] * box[2] ** 2, unit[1] * box[3] ** 2
    predicted = _corners(box[0] / side, box[1] / side, w, h)
    wanted = _corners(target[0] / side, target[1] / side, target[2], target[3])
    return iou([predicted], [wanted])[0, 0]


def _corners(x, y, w, h):
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2
