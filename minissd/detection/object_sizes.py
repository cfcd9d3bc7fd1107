"""How good detections are at the small, the medium and the large objects of a data set, each by themselves.

Runs on the host.  As the COCO evaluation does it: what is not of the size in question neither helps nor harms.
"""

from collections.abc import Sequence

import numpy as np

from minissd.detection.boxes import Detections, Objects
from minissd.detection.metrics import FALSE_ALARM, judge

# Smallest size, and the one from which on it is the next group: sqrt(w h), in sides of the image
SIZES = {"small": (0, 1 / 8), "medium": (1 / 8, 1 / 4), "large": (1 / 4, np.inf)}


def of_size(
    detections: Sequence[Detections], objects: Sequence[Objects], low: float, high: float, iou_threshold: float = 0.5
) -> tuple[list[Detections], list[Objects]]:
    """The part of a data set that is about objects of low <= sqrt(w h) < high -> detections, objects.

    detections, objects: a `Detections` and an `Objects` for each image, as `evaluate_detections` takes them and the
    results.  Objects of other sizes become `difficult`, so that nobody has to find them and finding them is no fault;
    false alarms of other sizes fall away.
    """
    pairs = [_of_size(*pair, low, high, iou_threshold) for pair in zip(detections, objects, strict=True)]
    return [detected for detected, _ in pairs], [wanted for _, wanted in pairs]


def _of_size(detections, objects, low, high, iou_threshold):
    """The same of one image."""
    corners, labels, difficult = objects
    others = ~_between(corners, low, high)
    wanted = Objects(corners, labels, np.asarray(difficult, bool) | others)
    counts = (judge(detections, wanted, iou_threshold) != FALSE_ALARM) | _between(detections.corners, low, high)
    return Detections(*(np.asarray(part)[counts] for part in detections)), wanted


def _between(corners, low, high):
    """(K, 4) -> mask (K,) of the boxes of that size."""
    corners = np.asarray(corners, np.float64)
    sizes = np.sqrt(np.prod(corners[:, 2:] - corners[:, :2], axis=1))
    return (low <= sizes) & (sizes < high)
