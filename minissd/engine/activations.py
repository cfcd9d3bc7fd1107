"""ReLU, ReLU6 and hard swish on all cores, in place where asked; the other activations are those of `minissd.ops`."""

from functools import cache

import numpy as np

from minissd.arguments import Cache, floats, gradient_of
from minissd.device import Array, array_module
from minissd.engine.cpu.threads import elementwise
from minissd.engine.cuda import on_card
from minissd.engine.cuda.elementwise import RELU_BACKWARD
from minissd.engine.runtime import loan
from minissd.engine.tuning import tuning_in_force


def relu(x: Array, *, in_place: bool = False) -> tuple[Array, Cache]:
    """As `minissd.ops.relu`.  in_place: overwrite x, for fresh memory costs more than the maximum."""
    xp = floats("relu", x=x)
    zeros = _zeros(x.dtype, 2 * tuning_in_force().sizes.elementwise_part) if xp is np else None

    def of_part(x, out):  # NumPy is twice as fast on two arrays as on an array and a number
        xp.maximum(x, 0 if zeros is None else zeros[: x.size], out=out)

    y = elementwise(of_part, x, in_place=in_place)
    return y, y


@cache
def _zeros(dtype, count):
    """At least as many zeros as a part of `elementwise` has elements."""
    return np.zeros(count, dtype=dtype)


def relu_backward(dy: Array, y: Array, *, in_place: bool = False) -> Array:
    """As `minissd.ops.relu_backward`.  in_place: overwrite dy."""
    xp, dy = array_module(dy, y), gradient_of("relu", dy, y.shape, y.dtype)
    if on_card(dy):
        return RELU_BACKWARD(dy, y, dy if in_place else xp.empty_like(dy))

    def of_part(dy, y, out):
        with loan() as scratch:
            passed = xp.greater(y, 0, out=scratch(y.shape, y, np.dtype(bool)))
            xp.multiply(dy, passed, out=out)

    return elementwise(of_part, dy, y, in_place=in_place)


def relu6(x: Array, *, in_place: bool = False) -> tuple[Array, Cache]:
    """As `minissd.ops.relu6`.  in_place: overwrite x."""
    xp = floats("relu6", x=x)
    y = elementwise(lambda x, out: xp.clip(x, 0, 6, out=out), x, in_place=in_place)
    return y, y


def relu6_backward(dy: Array, y: Array, *, in_place: bool = False) -> Array:
    """As `minissd.ops.relu6_backward`.  in_place: overwrite dy."""
    xp, dy = array_module(dy, y), gradient_of("relu6", dy, y.shape, y.dtype)

    def of_part(dy, y, out):
        xp.multiply(dy, (y > 0) & (y < 6), out=out)

    return elementwise(of_part, dy, y, in_place=in_place)


def hard_swish(x: Array) -> tuple[Array, Cache]:
    """As `minissd.ops.hard_swish`."""
    xp = floats("hard_swish", x=x)

    def of_part(x, out):
        xp.multiply(x, _hard_sigmoid(xp, x), out=out)

    return elementwise(of_part, x), x


def hard_swish_backward(dy: Array, x: Array) -> Array:
    """As `minissd.ops.hard_swish_backward`; the hard sigmoid is computed again, which is less work than keeping it."""
    xp, dy = array_module(dy, x), gradient_of("hard_swish", dy, x.shape, x.dtype)

    def of_part(dy, x, out):
        slope = x * (xp.abs(x) < 3)
        slope *= 1 / 6
        slope += _hard_sigmoid(xp, x)
        xp.multiply(dy, slope, out=out)

    return elementwise(of_part, dy, x)


def _hard_sigmoid(xp, x):
    """Of a part: x / 6 + 1/2 cut to 0..1."""
    gate = x * (1 / 6)
    gate += 0.5
    return xp.clip(gate, 0, 1, out=gate)
