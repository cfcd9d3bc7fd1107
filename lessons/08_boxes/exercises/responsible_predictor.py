"""Which predictor of a cell answers for its object?"""

import numpy as np

from minissd.detection import iou, to_corners


def responsible_predictor(boxes, target, side):
    """The index of the responsible predictor: the one whose predicted box has the highest IoU with the object.

    boxes (B, 5): x, y, sqrt(w), sqrt(h), confidence, as the predictors of one cell put them out; target (4,): x, y,
    w, h of its object.  x and y are parts of the cell, w and h parts of the image; side: S cells a side.  Returns an
    integer; of equal overlaps the first counts.

    Only the place within the cell matters, so both boxes may be measured from the corner of the cell: its own place
    in the image cancels.  `to_corners` takes (n, 4) c_x, c_y, w, h; `iou(a, b)` corners (A, 4), (B, 4) -> (A, B).
    """
    raise NotImplementedError("compare the predicted boxes with the object")
