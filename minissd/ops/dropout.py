"""Inverted dropout: each unit is kept with probability 1 - rate, drawn anew at every call (lecture, "Dropout").

Kept units are divided by 1 - rate, so the expected value does not change and nothing is to be done at inference.
"""

from minissd.backend import array_module, to_like


def dropout(x, rate, rng, train=True):
    """x of any shape -> y, cache.  rng: numpy.random.Generator, used only with train=True and rate > 0."""
    return _drop(x, x.shape, rate, rng, train)


def dropout_backward(dy, mask):
    """dx: the same mask again."""
    return dy if mask is None else dy * mask


def spatial_dropout(x, rate, rng, train=True):
    """Dropout of whole channels, x (N, H, W, C): a cell's neighbours show what it had, so single cells teach little."""
    if x.ndim != 4:
        raise ValueError(f"spatial_dropout needs x (N, H, W, C), got {x.shape}")
    return _drop(x, (x.shape[0], 1, 1, x.shape[3]), rate, rng, train)


spatial_dropout_backward = dropout_backward


def _drop(x, shape, rate, rng, train):
    """x times a mask of this shape, which is the cache."""
    if not 0 <= rate < 1:
        raise ValueError(f"dropout rate must be in [0, 1), got {rate}")
    array_module(x)
    if not train or rate == 0:
        return x, None
    mask = to_like((rng.random(shape) >= rate).astype(x.dtype) / (1 - rate), x)
    return x * mask, mask
