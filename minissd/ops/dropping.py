"""Inverted dropout (Srivastava et al. 2014): each unit is kept with probability 1 - rate, drawn anew at every call.

Kept units are divided by 1 - rate, so the expected value does not change and inference needs no correction.
"""

from numbers import Real

from numpy.random import Generator

from minissd.arguments import Cache, as_gradient, module_of
from minissd.device import Array, to_like


def dropout(x: Array, rate: float, rng: Generator | None, train: bool = True) -> tuple[Array, Cache]:
    """x of any shape -> y, cache.  rng: numpy.random.Generator, used only with train=True and rate > 0."""
    module_of("dropout", x=x)
    return _drop(x, x.shape, rate, rng, train)


def dropout_backward(dy: Array, cache: Cache) -> Array:
    """dx: the same mask again."""
    shape, dtype, mask = cache
    dy = as_gradient("dropout", dy, shape, dtype)
    return dy if mask is None else dy * mask


def spatial_dropout(x: Array, rate: float, rng: Generator | None, train: bool = True) -> tuple[Array, Cache]:
    """Dropout of whole channels, x (N, H, W, C): a single cell could be guessed from its neighbours."""
    module_of("spatial_dropout", x=x)
    if x.ndim != 4:
        raise ValueError(f"spatial_dropout needs x (N, H, W, C), got {x.shape}")
    return _drop(x, (x.shape[0], 1, 1, x.shape[3]), rate, rng, train)


def spatial_dropout_backward(dy: Array, cache: Cache) -> Array:
    """dx: the same mask again."""
    return dropout_backward(dy, cache)


def dropout_rate(rate: float) -> float:
    """The rate; ValueError unless it is in [0, 1)."""
    if not isinstance(rate, Real) or not 0 <= rate < 1:
        raise ValueError(f"dropout rate must be a number in [0, 1), got {rate!r}")
    return rate


def _drop(x, shape, rate, rng, train):
    """x times a mask of this shape; the cache ends with the mask, or None where x is returned as it is."""
    rate = dropout_rate(rate)
    if not train or rate == 0:
        return x, (x.shape, x.dtype, None)
    if not hasattr(rng, "random"):
        raise TypeError(f"dropout needs a numpy.random.Generator in training, got {rng!r}")
    mask = to_like((rng.random(shape) >= rate).astype(x.dtype) / float(1 - rate), x)
    return x * mask, (x.shape, x.dtype, mask)
