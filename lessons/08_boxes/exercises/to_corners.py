"""From centre and size to the edges."""

import numpy as np


def to_corners(centers):
    """Boxes given by centre and size, as boxes given by their edges.

        x_min = c_x - w / 2        x_max = c_x + w / 2
        y_min = c_y - h / 2        y_max = c_y + h / 2

    centers (..., 4): c_x, c_y, w, h -> corners (..., 4): x_min, y_min, x_max, y_max.  The leading axes may be any:
    one box, a list of boxes, the boxes of a batch.
    """
    raise NotImplementedError("return the corners")
