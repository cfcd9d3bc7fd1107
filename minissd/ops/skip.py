"""Skip connections: an early map joins a later one (lecture, "Skip connections").

Two ways to join them: side by side, as the U-Net does, so that what follows weighs both; or added, as a ResNet does,
where what lies between only has to learn a correction.  (Addition alone carries the identity along: of two maps side
by side, the next layer may pass over either.)
"""

from minissd.backend import array_module


def concatenate(a, b):
    """a (..., C), b (..., D) -> y (..., C+D): the channels of a, then those of b; cache."""
    xp = array_module(a, b)
    if a.shape[:-1] != b.shape[:-1]:
        raise ValueError(f"concatenate needs equal shapes but for the channels, got a {a.shape} and b {b.shape}")
    return xp.concatenate([a, b], axis=-1), a.shape[-1]


def concatenate_backward(dy, channels):
    """dy (..., C+D) -> da (..., C), db (..., D): each map gets the gradient of its own channels."""
    xp = array_module(dy)
    return xp.ascontiguousarray(dy[..., :channels]), xp.ascontiguousarray(dy[..., channels:])


def add(a, b):
    """a, b of one shape -> y = a + b, cache."""
    array_module(a, b)
    if a.shape != b.shape:
        raise ValueError(f"add needs equal shapes, got a {a.shape} and b {b.shape}")
    return a + b, None


def add_backward(dy, _cache):
    """dy -> da, db: a sum hands its gradient on to both, as it is."""
    return dy, dy.copy()
