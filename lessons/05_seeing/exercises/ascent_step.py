"""One step uphill for the image."""

import numpy as np


def ascent_step(x, gradient, rate):
    """Change the image so that the activation rises, by the same amount however steep the slope is.

        x' = x + rate g / rms(g)          rms(g) = sqrt(mean of g^2 over all entries)

    Without the division a flat slope takes ages and a steep one throws the image out of its range.  Where g is 0
    everywhere there is no way up: the image stays (and nothing is divided by 0).

    x: (S, S, C); gradient g = d(activation)/dx: the same shape; rate: the root mean square of the change -> (S, S, C).
    """
    raise NotImplementedError("take a step uphill")
