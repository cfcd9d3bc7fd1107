"""Boxes follow the picture."""

import numpy as np


def affine_boxes(corners, matrix):
    """The smallest upright boxes around boxes that went through an affine map.

        x' = a x + b y + c          matrix = [[a, b, c],
        y' = d x + e y + f                    [d, e, f]]

    A turned rectangle is no upright rectangle any more, so its four corners are mapped and a new box is put around
    them.  Nothing is clipped.

    corners: (G, 4) floats, x_min y_min x_max y_max; matrix: (2, 3) -> (G, 4).
    """
    raise NotImplementedError("map the four corners, put a box around them")
