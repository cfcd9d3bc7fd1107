"""The backward pass of the fully connected layer."""

import numpy as np


def linear_gradient(dy, x, w):
    """The gradients of y = x @ w + b, from that of y.

    dy: (N, D), x: (N, C), w: (C, D) -> (dx, dw, db) with the shapes (N, C), (C, D), (D,)

        y[n, d] = sum over c of x[n, c] w[c, d] + b[d]

    Ask of every number: which y does it reach, and times what?  x[n, c] reaches all y[n, d], times w[c, d].
    """
    raise NotImplementedError("three sums, two of which are matrix products")
