"""Of boxes that show the same thing, one stays."""

import numpy as np

from minissd.detection import iou


def nms(corners, scores, iou_threshold=0.45):
    """Non-maximum suppression: the indices of the boxes that stay, best first.

    Take the box with the highest score, keep it, remove every box that overlaps it by more than `iou_threshold`;
    go on with those that are left until there are none.

    corners (K, 4), scores (K,), no two alike -> indices (up to K,) into them.  `iou(a, b)` gives the overlaps of
    corners (A, 4) and (B, 4) as (A, B).
    """
    raise NotImplementedError("keep the best box, remove its neighbours, go on")
