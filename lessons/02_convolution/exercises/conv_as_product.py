"""A convolution is one matrix product."""

import numpy as np

from minissd.ops import im2col


def conv_as_product(x, w, b, stride=1, pad=0):
    """The convolutional layer, by way of im2col.

        y = im2col(x) @ W + b,    W the weights as a matrix (KH*KW*C, D)

    x: (N, H, W, C), w: (KH, KW, C, D), b: (D,), stride, pad: ints -> y: (N, OH, OW, D)

    im2col(x, (KH, KW), stride, pad) gives (N*OH*OW, KH*KW*C), windows in the order (n, i, j), taps in the order
    (ky, kx, c).  OH = (H + 2 pad - KH) // stride + 1, OW likewise.
    """
    raise NotImplementedError("patches, a product, the bias, and the shape of a batch of maps")
