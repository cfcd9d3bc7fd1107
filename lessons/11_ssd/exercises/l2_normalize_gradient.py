"""The backward pass of L2 normalisation."""

import numpy as np


def l2_normalize_gradient(dy, x, scale, eps=1e-10):
    """dy (..., C), the gradient of the loss with respect to y -> dx (..., C), dscale (C,).

    Forward:  y = scale * u,   u = x * r,   r = 1 / sqrt(sum over c of x_c^2 + eps), one r for each cell.
    With du the gradient that arrives at u:

        dscale = the sum of dy * u over all cells
        dx     = r * (du - u * (u . du)),          u . du summed over the channels

    The first part of dx is the way through x itself, the second the way through r: a change along x only makes the
    vector longer, and that is forgotten.  eps inside the root keeps both finite at a cell of zeros.
    """
    raise NotImplementedError("two ways lead from x to y: add up what comes back along both")
