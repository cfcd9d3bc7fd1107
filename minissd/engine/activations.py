"""ReLU on all cores, in place where asked; the other activations are those of `minissd.ops`."""

from functools import cache

import numpy as np

from minissd.arguments import Cache, floats, gradient_of
from minissd.device import Array, array_module
from minissd.engine.cpu.threads import ELEMENTS, elementwise
from minissd.engine.cpu.workspace import scratch
from minissd.engine.cuda import on_card
from minissd.engine.cuda.elementwise import RELU_BACKWARD


def relu(x: Array, *, in_place: bool = False) -> tuple[Array, Cache]:
    """As `minissd.ops.relu`.  in_place: overwrite x, for fresh memory costs more than the maximum."""
    xp = floats("relu", x=x)

    def of_part(x, out):  # NumPy is twice as fast on two arrays as on an array and a number
        xp.maximum(x, _zeros(x.dtype)[: x.size] if xp is np else 0, out=out)

    y = elementwise(of_part, x, in_place=in_place)
    return y, y


@cache
def _zeros(dtype):
    """As many zeros as a part of `elementwise` has elements."""
    return np.zeros(2 * ELEMENTS, dtype=dtype)


def relu_backward(dy: Array, y: Array, *, in_place: bool = False) -> Array:
    """As `minissd.ops.relu_backward`.  in_place: overwrite dy."""
    xp, dy = array_module(dy, y), gradient_of("relu", dy, y.shape, y.dtype)
    if on_card(dy):
        return RELU_BACKWARD(dy, y, dy if in_place else xp.empty_like(dy))

    def of_part(dy, y, out):
        passed = xp.greater(y, 0, out=scratch("passed", y.shape, np.empty(0, bool)))
        xp.multiply(dy, passed, out=out)

    return elementwise(of_part, dy, y, in_place=in_place)
