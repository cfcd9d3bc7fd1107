"""Patches as the rows of a matrix."""

import numpy as np


def im2col(x, kernel, stride=1, dilation=1):
    """Every window of every image as one row of a matrix.

    x: (N, H, W, C), padded already if it has to be; kernel: (KH, KW); stride, dilation: ints, for both axes
    -> (N*OH*OW, KH*KW*C) with OH = floor((H - extent) / stride) + 1, extent = (KH - 1) dilation + 1; OW likewise

    Row (n*OH + i)*OW + j holds window (i, j) of image n, whose tap (ky, kx) reads
        x[n, i*stride + ky*dilation, j*stride + kx*dilation, :]
    and the taps follow each other in the order (ky, kx, c), which is the order of the weights (KH, KW, C, D).
    """
    raise NotImplementedError("cut out the windows row by row, and flatten each")
