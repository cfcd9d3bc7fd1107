"""How good detections are: precision, recall and average precision as PASCAL VOC counts them.

Everingham et al. 2010 (PASCAL VOC), with the details of the VOC development kit:

- A detection hits if it overlaps an object of its class by IoU >= 0.5.  It is held against the object that it
  overlaps most, even if a better detection has hit that one already.
- Each object is hit once, by the best-scoring detection; later ones are false alarms.
- Detections of `difficult` objects are neither hits nor false alarms, and nobody has to find those objects.

VOC counts pixels inclusively (columns 3 to 5 are 3 wide).  Corners here are edges, and plain IoU on them is
the same number once data/ has read a pixel box xmin..xmax as the edges xmin - 1 and xmax.

Other evaluators may count the eleven-point AP differently from the same detections: see `average_precision`.

All of this runs on the host.  Symbols: K detections and G objects of an image, C classes.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minissd.detection.boxes import Detections, Objects, iou

HIT, IGNORED, FALSE_ALARM = 1, 0, -1
IOU_TOLERANCE = 1e-6  # pixel boxes that meet the threshold exactly can miss it as float32 fractions
METHODS = ("voc07", "voc07-arange", "area")  # of `average_precision`
RECALL_TOLERANCE = 1e-7  # likewise for recalls in float32; different recalls are never this close


class Curve(NamedTuple):
    """Precision over recall of one class: entry k describes its k + 1 best-scoring detections together."""

    precision: np.ndarray  # (K,)
    recall: np.ndarray  # (K,), all 0 if there are no objects
    scores: np.ndarray  # (K,) the score of detection k
    objects: int  # how many there are to find


def evaluate_detections(
    detections: Sequence[Detections],
    objects: Sequence[Objects],
    classes: Sequence[str],
    iou_threshold: float = 0.5,
    method: str = "voc07",
) -> dict[str, Any]:
    """The figures of a whole data set, as they go into metrics.json.

    detections, objects: a `Detections` and an `Objects` for each image, in the same order; classes: the names
    of labels 0..C-1; method as in `average_precision`.  Returns {"mAP", "AP": {class: float}, "recall",
    "method"}, where recall is the share of objects found at all, averaged over the classes as mAP is.  A
    class without objects has AP NaN and stays out of both means; without any image so have all.
    """
    _check_method(method)
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


def precision_recall_curves(
    detections: Sequence[Detections], objects: Sequence[Objects], classes: Sequence[str], iou_threshold: float = 0.5
) -> dict[str, Curve]:
    """{class name: Curve} of a whole data set; arguments as in `evaluate_detections`.

    precision = TP / (TP + FP),   recall = TP / (TP + FN) = TP / objects.
    """
    detections, objects = list(detections), list(objects)
    if len(detections) != len(objects):
        raise ValueError(f"detections of {len(detections)} images do not go with objects of {len(objects)}")
    classes = tuple(classes)
    if not classes or len(set(classes)) < len(classes):
        raise ValueError(f"classes must be the names of labels 0..C-1, each once, got {classes}")
    count = len(classes)
    found = [Detections(*checked_parts(one, f"detections of image {n}", count)) for n, one in enumerate(detections)]
    truth = [Objects(*checked_parts(one, f"objects of image {n}", count)) for n, one in enumerate(objects)]
    verdicts = _joined([judge(*pair, iou_threshold) for pair in zip(found, truth, strict=True)])
    labels = _joined([labels for _, labels, _ in found])
    scores = _joined([scores for _, _, scores in found])
    to_find = _joined([labels[~difficult.astype(bool)] for _, labels, difficult in truth])

    curves = {}
    for label, name in enumerate(classes):
        counts = np.flatnonzero((labels == label) & (verdicts != IGNORED))
        best_first = counts[np.argsort(-scores[counts], kind="stable")]
        hits = np.cumsum(verdicts[best_first] == HIT)  # TP so far
        total = int(np.count_nonzero(to_find == label))
        precision, recall = hits / np.arange(1, len(hits) + 1), hits / max(total, 1)
        curves[name] = Curve(precision, recall, scores[best_first], total)
    return curves


def judge(detections: Detections, objects: Objects, iou_threshold: float = 0.5) -> np.ndarray:
    """HIT, IGNORED or FALSE_ALARM for each detection of one image: (K,) integers in the order given."""
    if not 0 < iou_threshold <= 1:
        raise ValueError(f"iou_threshold must be above 0 and at most 1, got {iou_threshold}")
    corners, labels, scores = checked_parts(detections, "detections")
    object_corners, object_labels, difficult = checked_parts(objects, "objects")
    verdicts = np.full(len(scores), FALSE_ALARM)
    if len(object_labels) == 0:
        return verdicts
    overlaps = iou(corners, object_corners)  # (K, G)
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


def average_precision(recall: np.ndarray, precision: np.ndarray, method: str = "voc07") -> float:
    """Average precision in [0, 1] of one class.

    recall, precision: (K,), best-scoring detection first, so that recall never falls.  With p(r) the highest
    precision at any recall >= r (the interpolated precision of Everingham et al. 2010):

        "voc07"         mean of p over the eleven recalls 0, 0.1, ..., 1    (VOC 2007)
        "voc07-arange"  the same as programs count it whose recalls are np.arange(0, 1.1, 0.1)
        "area"          area under p                                        (VOC since 2010)

    The eleven are k / 10, so that a recall of exactly 3 / 10 reaches the fourth.  Steps of 0.1 add up to
    0.30000000000000004, 0.6000000000000001 and 0.7000000000000001, which recalls of exactly 3, 6 and 7 tenths miss:
    with 5 to 20 objects in a class its AP can be .06 lower.  Most evaluators in Python do that, so figures are
    compared with theirs as "voc07-arange".
    """
    _check_method(method)
    recall, precision = np.asarray(recall, np.float64), np.asarray(precision, np.float64)
    if recall.ndim != 1 or recall.shape != precision.shape:
        raise ValueError(f"recall and precision must both be (K,), got {recall.shape} and {precision.shape}")
    outside = any(not ((part >= 0) & (part <= 1 + RECALL_TOLERANCE)).all() for part in (recall, precision))
    if outside or (np.diff(recall) < -RECALL_TOLERANCE).any():
        raise ValueError("recall and precision must lie in 0..1, and recall not fall: best-scoring detection first")
    if method == "area":
        interpolated = np.maximum.accumulate(precision[::-1])[::-1]
        return float((np.diff(recall, prepend=0) * interpolated).sum())
    reached = recall >= eleven_recalls(method)[:, None]  # (11, K)
    return float(np.where(reached, precision, 0).max(axis=1, initial=0).mean())


def eleven_recalls(method: str) -> np.ndarray:
    """The recalls (11,) that have to be reached."""
    return np.arange(11) / 10 - RECALL_TOLERANCE if method == "voc07" else np.arange(0, 1.1, 0.1)


def _check_method(method):
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")


def checked_parts(parts, whose, class_count=None):
    """(corners (K, 4) float64, labels (K,) integers, scores or difficult (K,)) of one image, lists too.

    Raises ValueError for parts of different lengths, labels beyond the classes, and what is not finite.
    """
    if len(parts) != 3:
        raise ValueError(f"{whose} must be three arrays, as Detections or Objects has them, got {len(parts)}")
    corners, labels, third = (np.asarray(part) for part in parts)
    corners = corners.reshape(-1, 4) if corners.size == 0 else corners  # np.array([]): no box
    if corners.ndim != 2 or corners.shape[1] != 4 or not labels.shape == third.shape == corners.shape[:1]:
        shapes = f"{corners.shape}, {labels.shape} and {third.shape}"
        raise ValueError(f"{whose} must be corners (K, 4) and two arrays (K,), got {shapes}")
    if len(labels) == 0:
        return np.zeros((0, 4)), np.zeros(0, np.int64), third
    if corners.dtype.kind not in "fiu" or third.dtype.kind not in "fiub":
        raise ValueError(f"{whose} must be numbers, got {corners.dtype} and {third.dtype}")
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{whose} have labels of {labels.dtype}, which must be integers")
    if labels.min() < 0 or (class_count is not None and labels.max() >= class_count):
        beyond = labels.min() if labels.min() < 0 else labels.max()
        known = "labels count from 0" if class_count is None else f"{class_count} classes have 0..{class_count - 1}"
        raise ValueError(f"{whose} have label {beyond}: {known}, without background")
    if not (np.isfinite(corners).all() and np.isfinite(third).all()):
        raise ValueError(f"{whose} have numbers that are not finite")
    return corners.astype(np.float64), labels.astype(np.int64), third


def _joined(parts):
    return np.concatenate(parts) if parts else np.zeros(0)


def _mean(values):
    values = list(values)
    return float(np.mean(values)) if values else float("nan")
