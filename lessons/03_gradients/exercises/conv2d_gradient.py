"""The backward pass of the convolution."""

import numpy as np

from minissd.ops import col2im, im2col


def conv2d_gradient(dy, x, w, stride=1, pad=0):
    """The gradients of y = conv2d(x, w, b, stride, pad), from that of y.

    dy: (N, OH, OW, D), x: (N, H, W, C), w: (KH, KW, C, D) -> (dx, dw, db), shaped like x, w and (D,)

    The forward pass is a matrix product, and so the gradients are those of a linear layer:

        cols = im2col(x, (KH, KW), stride, pad)            (N*OH*OW, KH*KW*C)
        y    = cols @ w_rows + b                           w_rows: w as (KH*KW*C, D)

    im2col only copies; its backward pass is col2im(dcols, x.shape, (KH, KW), stride, pad).
    """
    raise NotImplementedError("dy as a matrix, a linear layer backwards, and col2im")
