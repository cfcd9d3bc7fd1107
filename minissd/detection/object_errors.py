"""What became of each object: found, found in the wrong place, or missed; and what it was like.

It tells why one detector scores below another: whether it misses the small objects, those in a crowd, or places its
boxes badly.  Runs on the host.  Symbols: G objects of all images together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minissd.detection.boxes import Detections, Objects, iou
from minissd.detection.yolo_cells import kept_objects

FOUND, NEAR = 0.5, 0.1  # IoU from which on an object is found, and at least seen (Hoiem et al. 2012)


class ObjectErrors(NamedTuple):
    """Every object of a data set that is not difficult."""

    sides: np.ndarray  # (G,) sqrt(w h), in parts of the image
    labels: np.ndarray  # (G,)
    overlaps: np.ndarray  # (G,) the highest IoU with a detection of its class, 0 without one

    def shares(self, chosen: np.ndarray) -> tuple[float, ...]:
        """(found, badly placed, missed): parts of the objects that `chosen` (G,) bool selects; NaN if there is none."""
        overlaps = self.overlaps[chosen]
        found, seen = overlaps >= FOUND, overlaps >= NEAR
        return tuple(part.mean() if len(part) else np.nan for part in (found, seen & ~found, ~seen))


def object_errors(detections: Sequence[Detections], objects: Sequence[Objects], least: np.ndarray) -> ObjectErrors:
    """ObjectErrors of a data set.

    detections, objects: a `Detections` and an `Objects` for each image; least: (C,) the score from which on a
    detection of a class counts.
    """
    rows = []
    for (corners, labels, scores), (truth, truth_labels, difficult) in zip(detections, objects, strict=True):
        counts = np.asarray(scores) >= np.asarray(least)[labels]
        overlaps = iou(np.asarray(truth, np.float64), np.asarray(corners, np.float64)[counts])  # (objects, detections)
        overlaps = np.where(truth_labels[:, None] == labels[counts], overlaps, 0).max(axis=1, initial=0)
        sides = np.sqrt(np.prod(truth[:, 2:] - truth[:, :2], axis=1))
        rows.append(np.stack([sides, truth_labels, overlaps], axis=1)[~np.asarray(difficult, bool)])
    sides, labels, overlaps = np.concatenate(rows).T
    return ObjectErrors(sides, labels.astype(int), overlaps)


def lost_in_cells(objects: Sequence[Objects], side: int, anchors: np.ndarray | None = None) -> int:
    """How many objects of a data set have no place of their own in a grid of `side` cells a side, difficult or not."""
    return sum(len(one.labels) - len(kept_objects(one.corners, side, anchors)) for one in objects)
