"""Skip connections: an early map joins a later one.

Concatenated, as in the U-Net (Ronneberger et al. 2015), so that the next layer weighs both; or added, as in a ResNet
(He et al. 2016), so that the layers between only have to learn a correction.
"""

from minissd.arguments import Cache, as_gradient, module_of
from minissd.device import Array, array_module


def concatenate(a: Array, b: Array) -> tuple[Array, Cache]:
    """a (..., C), b (..., D) -> y (..., C+D): the channels of a, then those of b; cache."""
    xp = module_of("concatenate", a=a, b=b)
    if a.ndim < 1 or b.ndim < 1 or a.shape[:-1] != b.shape[:-1]:
        raise ValueError(f"concatenate needs equal shapes but for the channels, got a {a.shape} and b {b.shape}")
    y = xp.concatenate([a, b], axis=-1)
    return y, (a.shape[-1], y.shape, y.dtype)


def concatenate_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """dy (..., C+D) -> da (..., C), db (..., D): each map gets the gradient of its own channels."""
    channels, y_shape, dtype = cache
    xp, dy = array_module(dy), as_gradient("concatenate", dy, y_shape, dtype)
    return xp.ascontiguousarray(dy[..., :channels]), xp.ascontiguousarray(dy[..., channels:])


def add(a: Array, b: Array) -> tuple[Array, Cache]:
    """a, b of one shape -> y = a + b, cache."""
    module_of("add", a=a, b=b)
    if a.shape != b.shape:
        raise ValueError(f"add needs equal shapes, got a {a.shape} and b {b.shape}")
    return a + b, (a.shape, a.dtype)


def add_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """dy -> da, db: a sum hands its gradient on to both, as it is."""
    dy = as_gradient("add", dy, *cache)
    return dy, dy.copy()  # two arrays: a layer may change its own in place
