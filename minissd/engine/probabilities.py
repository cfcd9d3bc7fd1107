"""Softmax and its logarithm over the last axis, of many rows of few classes.

A maximum or a sum over a short last axis is slow, for NumPy starts anew in every row.  So the classes are laid out
first: then each step runs along all rows at once.  What is returned has the shape of x and that layout.
"""

from minissd.device import array_module
from minissd.ops.arguments import floats


def log_softmax(x):
    """x - log(sum(exp(x))) over the last axis; same shape."""
    xp, y = floats("log_softmax", x=x), _classes_first(x)
    y -= y.max(axis=0)
    y -= xp.log(xp.exp(y).sum(axis=0))
    return xp.moveaxis(y, 0, -1)


def softmax(x):
    """exp(x) / sum(exp(x)) over the last axis; same shape, rows sum to 1."""
    xp, y = floats("softmax", x=x), _classes_first(x)
    y -= y.max(axis=0)
    xp.exp(y, out=y)
    y /= y.sum(axis=0)
    return xp.moveaxis(y, 0, -1)


def _classes_first(x):
    """A copy of x (..., K) as (K, ...), each class in one piece."""
    if x.ndim < 1 or not x.shape[-1]:
        raise ValueError(f"softmax needs x (..., K) of at least one class, got {x.shape}")
    xp = array_module(x)
    return xp.moveaxis(x, -1, 0).copy(order="C")
