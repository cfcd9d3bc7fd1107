"""The largest cell of every window."""

import numpy as np


def max_pool(x, kernel, stride, pad):
    """Max pooling of one map: y[i, j] = the largest of the cells that window (i, j) covers.

    The windows have kernel x kernel cells, neighbouring ones start `stride` cells apart.  pad cells are added on all
    four sides first, so that windows may reach over the edge.  What is added is no data: it must never win.

        OH = floor((H + 2 pad - kernel) / stride) + 1, OW alike

    x: (H, W) floats; kernel, stride, pad: ints, pad < kernel, at least one window fits -> (OH, OW).
    """
    raise NotImplementedError("take the maximum of each window")
