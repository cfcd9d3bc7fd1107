"""Softmax and its logarithm over the last axis (lecture, appendix, eq. 1, where the sum reuses its index).

The row maximum is subtracted first: softmax does not change, and exp never overflows.
"""

from minissd.backend import array_module


def log_softmax(x):
    """x - log(sum(exp(x))) over the last axis; same shape."""
    xp = array_module(x)
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(x):
    """exp(x) / sum(exp(x)) over the last axis; same shape, rows sum to 1."""
    xp = array_module(x)
    y = xp.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y
