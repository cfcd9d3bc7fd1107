"""Softmax and its logarithm over the last axis, of many rows of few classes.

A maximum or a sum over a short last axis is slow, since NumPy starts a new loop for every row.  So the class axis is
moved to the front, where each step runs along all rows at once.  The result has the shape of x in that memory layout.
"""

from minissd.arguments import module_of
from minissd.device import Array, array_module


def log_softmax(x: Array) -> Array:
    """As `minissd.ops.log_softmax`."""
    xp, y = module_of("log_softmax", x=x), _classes_first("log_softmax", x)
    y -= y.max(axis=0)
    y -= xp.log(xp.exp(y).sum(axis=0))
    return xp.moveaxis(y, 0, -1)


def softmax(x: Array) -> Array:
    """As `minissd.ops.softmax`."""
    xp, y = module_of("softmax", x=x), _classes_first("softmax", x)
    y -= y.max(axis=0)
    xp.exp(y, out=y)
    y /= y.sum(axis=0)
    return xp.moveaxis(y, 0, -1)


def _classes_first(operation, x):
    """A copy of x (..., K) as (K, ...), each class in one piece."""
    if x.ndim < 1 or not x.shape[-1]:
        raise ValueError(f"{operation} needs x (..., K) of at least one class, got {x.shape}")
    xp = array_module(x)
    return xp.moveaxis(x, -1, 0).copy(order="C")
