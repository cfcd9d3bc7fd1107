"""Which detections count?"""

import numpy as np

from minissd.detection import iou


def count_hits(corners, scores, objects):
    """Which detections of one class in one image are hits, as PASCAL VOC counts.

    corners (K, 4), scores (K,), objects (G, 4), boxes as corners -> (K,) bool, in the order given.

    Best score first, each detection is held against the object that it overlaps most.  It is a hit if the IoU is at
    least 0.5 and no better detection has hit that object already; else it is a false alarm.
    `iou(a, b)` gives the overlaps (len(a), len(b)).
    """
    raise NotImplementedError("best first, and remember which objects are taken")
