"""Softmax and its logarithm over the last axis."""

from minissd.arguments import module_of
from minissd.device import Array


def log_softmax(x: Array) -> Array:
    """x (..., K) -> x - log(sum(exp(x))) over the last axis, (..., K)."""
    xp, x = module_of("log_softmax", x=x), _below_zero("log_softmax", x)
    return x - xp.log(xp.exp(x).sum(axis=-1, keepdims=True))


def softmax(x: Array) -> Array:
    """x (..., K) -> exp(x) / sum(exp(x)) over the last axis, (..., K): rows sum to 1."""
    xp, x = module_of("softmax", x=x), _below_zero("softmax", x)
    y = xp.exp(x)
    return y / y.sum(axis=-1, keepdims=True)


def _below_zero(operation, x):
    """x minus the maximum of each row: softmax does not change, and exp never overflows."""
    if x.ndim < 1 or not x.shape[-1]:
        raise ValueError(f"{operation} needs x (..., K) of at least one class, got {x.shape}")
    return x - x.max(axis=-1, keepdims=True)
