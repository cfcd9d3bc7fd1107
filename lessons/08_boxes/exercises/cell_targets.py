"""What should each cell say?"""

import numpy as np

from minissd.detection import to_centers


def cell_targets(corners, labels, side):
    """The labels of one image for YOLO v1: the cell in which the centre of an object lies answers for it.

    Object in row i and column j of the S x S cells:   x = S c_x - j,  y = S c_y - i,  w,  h

    x and y say where in its cell the centre is, in parts of the cell; w and h are parts of the image.  corners (G, 4)
    normalised to the image, with centres in [0, 1); labels (G,) in 0..C-1; side: S.  Returns class_targets (S, S)
    integers, 0 for a cell without an object and label + 1 otherwise, and box_targets (S, S, 4), 0 without an object.
    Of two objects in one cell the first in the list stays.  `to_centers` gives (G, 4) c_x, c_y, w, h.
    """
    raise NotImplementedError("find the cell of each object and fill in its labels")
