"""May this patch of the picture be used for training?"""

import numpy as np

from minissd.detection import iou


def patch_fits(patch, corners, min_overlap):
    """patch (4,), corners (G, 4) of the objects, at least one; both x_min, y_min, x_max, y_max -> bool.

    A patch fits if

    * its IoU with some object, any of them, is at least min_overlap, and
    * the centre of some object lies in it or on its edge: a patch without objects teaches nothing.

    `iou(a, b)` takes corners (A, 4) and (B, 4) and gives (A, B).
    """
    raise NotImplementedError("enough overlap with some object, and some centre inside")
