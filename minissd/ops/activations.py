"""Element-wise activations.  x of any shape; y and dx have the same."""

from functools import cache
from numbers import Real

import numpy as np

from minissd.backend import array_module
from minissd.kernels import on_card
from minissd.kernels.elementwise import RELU_BACKWARD
from minissd.ops.arguments import floats, gradient_of
from minissd.ops.threads import ELEMENTS, elementwise
from minissd.ops.workspace import scratch


def relu(x, *, in_place=False):
    """max(x, 0).  The cache is y itself: the next layer keeps it anyway, and y > 0 exactly where x > 0.

    in_place: overwrite x, which nobody may need any more: fresh memory costs more than the maximum.
    """
    xp = floats("relu", x=x)

    def of_part(x, out):  # NumPy is twice as fast on two arrays as on an array and a number
        xp.maximum(x, _zeros(x.dtype)[: x.size] if xp is np else 0, out=out)

    y = elementwise(of_part, x, in_place=in_place)
    return y, y


@cache
def _zeros(dtype):
    """As many zeros as a part of `elementwise` has elements."""
    return np.zeros(2 * ELEMENTS, dtype=dtype)


def relu_backward(dy, y, *, in_place=False):
    """dx = dy where x > 0, else 0 (at the kink x = 0 we take 0).  in_place: overwrite dy."""
    xp, dy = array_module(dy, y), gradient_of("relu", dy, y.shape, y.dtype)
    if on_card(dy):
        return RELU_BACKWARD(dy, y, dy if in_place else xp.empty_like(dy))

    def of_part(dy, y, out):
        passed = xp.greater(y, 0, out=scratch("passed", y.shape, np.empty(0, bool)))
        xp.multiply(dy, passed, out=out)

    return elementwise(of_part, dy, y, in_place=in_place)


def leaky_relu(x, slope=0.1):
    """x where x > 0, slope * x elsewhere (YOLO uses slope .1)."""
    if not isinstance(slope, Real):
        raise TypeError(f"leaky_relu needs a number as slope, got {slope!r}")
    xp, slope = floats("leaky_relu", x=x), float(slope)  # a float64 of NumPy's would turn float32 into its own kind
    return xp.where(x > 0, x, x * slope), (x, slope)


def leaky_relu_backward(dy, cache):
    x, slope = cache
    xp, dy = array_module(dy, x), gradient_of("leaky_relu", dy, x.shape, x.dtype)
    return xp.where(x > 0, dy, dy * slope)


def sigmoid(x):
    """1 / (1 + exp(-x)), computed through tanh, which cannot overflow."""
    y = floats("sigmoid", x=x).tanh(x * 0.5) * 0.5 + 0.5
    return y, y


def sigmoid_backward(dy, y):
    """dy/dx = y (1 - y)."""
    dy = gradient_of("sigmoid", dy, y.shape, y.dtype)
    return dy * y * (1 - y)
