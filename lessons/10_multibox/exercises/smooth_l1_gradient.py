"""The slope of smooth L1."""

import numpy as np


def smooth_l1_gradient(pred, target):
    """The gradient with respect to `pred` of the smooth L1 loss, summed over all entries:

        L = sum of  0.5 d^2    where |d| < 1
                    |d| - 0.5  elsewhere             d = pred - target

    Quadratic near 0, so that the pull fades as the prediction gets better; linear far out, so that an outlier pulls no
    harder than a moderate error.  pred, target: arrays of one shape -> the gradient, of that shape.
    """
    raise NotImplementedError("differentiate both branches")
