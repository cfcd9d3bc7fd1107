"""Every channel of a map times a number of its own, which the network has computed too (squeeze and excitation)."""

from minissd.arguments import Cache, as_gradient, module_of
from minissd.device import Array, array_module


def scale_channels(x: Array, scale: Array) -> tuple[Array, Cache]:
    """x (N, H, W, C), scale (N, C) -> y (N, H, W, C), cache.  y[n, i, j, c] = x[n, i, j, c] * scale[n, c]"""
    module_of("scale_channels", x=x, scale=scale)
    if x.ndim != 4 or scale.shape != (x.shape[0], x.shape[3]):
        raise ValueError(f"scale_channels needs x (N, H, W, C) and scale (N, C), got x {x.shape}, scale {scale.shape}")
    return x * scale[:, None, None], (x, scale)


def scale_channels_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """dy (N, H, W, C) -> dx (N, H, W, C), dscale (N, C), the sum over all cells that the number was used for."""
    x, scale = cache
    array_module(dy, x)
    dy = as_gradient("scale_channels", dy, x.shape, x.dtype)
    return dy * scale[:, None, None], (dy * x).sum(axis=(1, 2))
