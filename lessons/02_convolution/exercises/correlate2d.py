"""The sliding dot product, in loops."""

import numpy as np


def correlate2d(x, w):
    """Slide the kernel w over the image x, and take a dot product at every place where it fits.

        y[i, j] = sum over ky, kx of x[i + ky, j + kx] * w[ky, kx]

    x: (H, W), w: (KH, KW), not larger than x -> y: (H - KH + 1, W - KW + 1)

    What networks call a convolution is this cross-correlation: tap (0, 0) reads the cell at the window's top left.
    """
    raise NotImplementedError("loop over the places (i, j), and multiply w with the window there")
