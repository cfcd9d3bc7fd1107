"""The largest cell of every window."""

import numpy as np


def max_pool(x, kernel, stride, pad=0):
    """Max pooling: y[n, i, j, c] = the largest of the cells of map x[n, :, :, c] that window (i, j) covers.

    The windows have kernel x kernel cells, neighbouring ones start `stride` cells apart.  pad cells are added on all
    four sides of each map first, so that windows may reach over the edge.  What is added is no data: it must never win.

        OH = floor((H + 2 pad - kernel) / stride) + 1, OW alike

    x: (N, H, W, C) floats, N images with C channels; kernel, stride, pad: ints, pad < kernel, at least one window fits
    -> (N, OH, OW, C).
    """
    raise NotImplementedError("take the maximum of each window")
