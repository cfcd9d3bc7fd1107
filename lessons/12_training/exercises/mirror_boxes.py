"""The boxes of a picture seen in a mirror."""

import numpy as np


def mirror_boxes(corners):
    """corners (G, 4): x_min, y_min, x_max, y_max, in parts of the picture -> the same for the mirrored picture, (G, 4).

    Left and right change places, so a point at x is seen at 1 - x.  The result has to be corners again: x_min <= x_max.
    """
    raise NotImplementedError("where does the left edge of a box end up?")
