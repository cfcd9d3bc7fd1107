"""Upsampling by repetition: every cell becomes a square of factor x factor equal cells."""

from minissd.arguments import Cache, as_gradient, module_of
from minissd.device import Array
from minissd.ops.geometry import whole


def upsample2d(x: Array, factor: int) -> tuple[Array, Cache]:
    """x (N, H, W, C) -> y (N, H*factor, W*factor, C), cache: the nearest cell's value.  factor: a whole number."""
    xp, factor = module_of("upsample2d", x=x), whole(factor, f"upsample2d of x {x.shape}: the factor", 1)
    if x.ndim != 4:
        raise ValueError(f"upsample2d needs x (N, H, W, C), got {x.shape}")
    return xp.repeat(x, factor, axis=1).repeat(factor, axis=2), (x.shape, x.dtype, factor)


def upsample2d_backward(dy: Array, cache: Cache) -> Array:
    """dy (N, H*factor, W*factor, C) -> dx (N, H, W, C): a cell collects the gradients of all its copies."""
    (n, height, width, c), dtype, factor = cache
    dy = as_gradient("upsample2d", dy, (n, height * factor, width * factor, c), dtype)
    return dy.reshape(n, height, factor, width, factor, c).sum(axis=(2, 4))
