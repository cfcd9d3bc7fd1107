"""What does a wrong box cost?"""

import numpy as np


def coordinate_loss(boxes, box_targets, responsible):
    """The first two terms of the YOLO loss, the errors of place and size of the responsible predictors:

        5 sum (x - x^)^2 + (y - y^)^2  +  5 sum (sqrt w - sqrt w^)^2 + (sqrt h - sqrt h^)^2

    Roots of both: so the same deviation costs less in a large box.  boxes (K, B, 5): x, y, sqrt(w), sqrt(h), confidence
    of the B predictors of K cells, which output the roots themselves; box_targets (K, 4): x, y, w, h of the object of
    each cell; responsible (K, B) bool: who answers for it, nobody where there is no object.  Returns a number.
    """
    raise NotImplementedError("add up the squared errors of the responsible predictors")
