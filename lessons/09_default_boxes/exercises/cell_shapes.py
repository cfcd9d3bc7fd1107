"""The boxes of one cell."""

from math import sqrt

import numpy as np


def cell_shapes(scale, next_scale, ratios):
    """Widths and heights of the default boxes of a cell, in this order:

        s, s   and   s', s'   with  s' = sqrt(s_l * s_{l+1})           two squares
        s sqrt(r), s / sqrt(r)    and    s / sqrt(r), s sqrt(r)        for each ratio r: a wide box, then a tall one

    scale: s_l, next_scale: s_{l+1}, as parts of the input; ratios: width / height of the wide boxes, a tuple, such as
    (2, 3) -> (k, 2) array, k = 2 + 2 * len(ratios).
    """
    raise NotImplementedError("list the widths and heights")
