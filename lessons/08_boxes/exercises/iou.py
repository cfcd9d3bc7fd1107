"""How much do boxes overlap?"""

import numpy as np


def iou(a, b):
    """Intersection over union of every box of `a` with every box of `b`.

        IoU = |A n B| / |A u B|        |A u B| = |A| + |B| - |A n B|

    a: corners (A, 4), b: corners (B, 4), both x_min, y_min, x_max, y_max -> (A, B) numbers between 0 and 1.
    Boxes that do not meet have overlap 0.  So has a box of no extent, even with itself: 0, not NaN.
    """
    raise NotImplementedError("compare each box of a with each of b")
