"""From the edges to centre and size."""

import numpy as np


def to_centers(corners):
    """Boxes given by their edges, as boxes given by centre and size: the inverse of `to_corners`.

        c_x = (x_min + x_max) / 2        w = x_max - x_min
        c_y = (y_min + y_max) / 2        h = y_max - y_min

    corners (..., 4): x_min, y_min, x_max, y_max -> centers (..., 4): c_x, c_y, w, h.  Corners are places on a
    continuous axis, not numbers of pixels.
    """
    raise NotImplementedError("return the centers")
