"""Give the vector in every cell of a map the same length."""

import numpy as np


def l2_normalize(x, scale, eps=1e-10):
    """x (..., C), scale (C,) -> y (..., C).

    The C channels of a cell are one vector.  Divide it by its length and multiply each channel by its scale:

        y_c = scale_c * x_c / sqrt(sum over c' of x_c'^2 + eps)

    SSD does this to the map of conv4_3, whose values are larger than those of the later maps.  eps keeps a cell of
    zeros from being 0 / 0.
    """
    raise NotImplementedError("divide each vector by its length, then scale its channels")
