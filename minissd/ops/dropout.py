"""Inverted dropout: each unit is kept with probability 1 - rate, drawn anew at every call (lecture, "Dropout").

Kept units are divided by 1 - rate, so the expected value does not change and nothing is to be done at inference.
"""

from minissd.backend import array_module, to_like


def dropout(x, rate, rng, train=True):
    """x of any shape -> y, cache.  rng: numpy.random.Generator, used only with train=True and rate > 0."""
    if not 0 <= rate < 1:
        raise ValueError(f"dropout rate must be in [0, 1), got {rate}")
    array_module(x)
    if not train or rate == 0:
        return x, None
    mask = to_like((rng.random(x.shape) >= rate).astype(x.dtype) / (1 - rate), x)
    return x * mask, mask


def dropout_backward(dy, mask):
    """dx: the same mask again."""
    return dy if mask is None else dy * mask
