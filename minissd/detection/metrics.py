"""How good detections are: precision, recall and average precision as PASCAL VOC counts them.

SSD notes, "Precision and Recall" and "mAP".  What the notes are silent about, the VOC kit settles:

- A detection hits if it overlaps an object of its class by IoU >= 0.5.  It is held against the object that it
  overlaps most, even if a better detection has hit that one already.
- Each object is hit once, by the best-scoring detection; later ones are false alarms.
- Detections of `difficult` objects are neither hits nor false alarms, and nobody has to find those objects.

VOC counts pixels inclusively (columns 3 to 5 are 3 wide).  Corners here are edges, and plain IoU on them is
the same number once data/ has read a pixel box xmin..xmax as the edges xmin - 1 and xmax.

All of this runs on the host.  Symbols: K detections and G objects of an image, C classes.
"""

from typing import NamedTuple

import numpy as np

from minissd.detection.boxes import iou

HIT, IGNORED, FALSE_ALARM = 1, 0, -1
IOU_TOLERANCE = 1e-6  # pixel boxes that meet the threshold exactly can miss it as float32 fractions
RECALL_TOLERANCE = 1e-7  # likewise for recalls in float32; different recalls are never this close


class Curve(NamedTuple):
    """Precision over recall of one class: entry k describes its k + 1 best-scoring detections together."""

    precision: np.ndarray  # (K,)
    recall: np.ndarray  # (K,), all 0 if there are no objects
    scores: np.ndarray  # (K,) the score of detection k
    objects: int  # how many there are to find


def evaluate_detections(detections, objects, classes, iou_threshold=0.5, method="voc07"):
    """The figures of a whole data set, as they go into metrics.json.

    detections, objects: a `Detections` and an `Objects` for each image, in the same order; classes: the names
    of labels 0..C-1; method as in `average_precision`.  Returns {"mAP", "AP": {class: float}, "recall",
    "method"}, where recall is the share of objects found at all, averaged over the classes as mAP is.  A
    class without objects has AP NaN and stays out of both means.
    """
    curves = precision_recall_curves(detections, objects, classes, iou_threshold)
    ap = {
        name: average_precision(curve.recall, curve.precision, method) if curve.objects else float("nan")
        for name, curve in curves.items()
    }
    present = [name for name, curve in curves.items() if curve.objects]
    return {
        "mAP": _mean(ap[name] for name in present),
        "AP": ap,
        "recall": _mean(curves[name].recall[-1:].sum() for name in present),  # 0 without detections
        "method": method,
    }


def precision_recall_curves(detections, objects, classes, iou_threshold=0.5):
    """{class name: Curve} of a whole data set; arguments as in `evaluate_detections`.

    precision = TP / (TP + FP),   recall = TP / (TP + FN) = TP / objects.
    """
    if len(detections) != len(objects):
        raise ValueError(f"detections of {len(detections)} images do not go with objects of {len(objects)}")
    verdicts = np.concatenate([judge(*pair, iou_threshold) for pair in zip(detections, objects, strict=True)])
    labels = np.concatenate([labels for _, labels, _ in detections])
    scores = np.concatenate([scores for _, _, scores in detections])
    to_find = np.concatenate([labels[~np.asarray(difficult, bool)] for _, labels, difficult in objects])

    curves = {}
    for label, name in enumerate(classes):
        counts = np.flatnonzero((labels == label) & (verdicts != IGNORED))
        best_first = counts[np.argsort(-scores[counts], kind="stable")]
        hits = np.cumsum(verdicts[best_first] == HIT)  # TP so far
        total = np.count_nonzero(to_find == label)
        precision, recall = hits / np.arange(1, len(hits) + 1), hits / max(total, 1)
        curves[name] = Curve(precision, recall, scores[best_first], total)
    return curves


def judge(detections, objects, iou_threshold=0.5):
    """HIT, IGNORED or FALSE_ALARM for each detection of one image: (K,) integers in the order given."""
    corners, labels, scores = (np.asarray(part) for part in detections)
    object_corners, object_labels, difficult = (np.asarray(part) for part in objects)
    verdicts = np.full(len(scores), FALSE_ALARM)
    if len(object_labels) == 0:
        return verdicts
    overlaps = iou(corners.astype(np.float64), object_corners.astype(np.float64))  # (K, G)
    overlaps[labels[:, None] != object_labels] = -1
    target = overlaps.argmax(axis=1)  # (K,) the object each detection is held against
    overlapping = overlaps.max(axis=1) >= iou_threshold - IOU_TOLERANCE
    easy = ~difficult.astype(bool)[target]

    verdicts[overlapping & ~easy] = IGNORED
    best_first = np.argsort(-scores, kind="stable")
    claims = best_first[(overlapping & easy)[best_first]]
    _, first_claim = np.unique(target[claims], return_index=True)
    verdicts[claims[first_claim]] = HIT
    return verdicts


def average_precision(recall, precision, method="voc07"):
    """Average precision in [0, 1] of one class.

    recall, precision: (K,), best-scoring detection first, so that recall never falls.  With p(r) the highest
    precision at any recall >= r (the interpolation of the notes):

        "voc07"   mean of p over the eleven recalls 0, 0.1, ..., 1          (VOC 2007 and the notes)
        "area"    area under p                                              (VOC since 2010)

    The eleven are k / 10, so that a recall of exactly 3 / 10 reaches the fourth; three steps of 0.1 make
    0.30000000000000004 and it would not.
    """
    recall, precision = np.asarray(recall, np.float64), np.asarray(precision, np.float64)
    if method == "voc07":
        reached = recall >= np.arange(11)[:, None] / 10 - RECALL_TOLERANCE  # (11, K)
        return float(np.where(reached, precision, 0).max(axis=1, initial=0).mean())
    if method == "area":
        interpolated = np.maximum.accumulate(precision[::-1])[::-1]
        return float((np.diff(recall, prepend=0) * interpolated).sum())
    raise ValueError(f'method must be "voc07" or "area", got {method!r}')


def _mean(values):
    values = list(values)
    return float(np.mean(values)) if values else float("nan")
