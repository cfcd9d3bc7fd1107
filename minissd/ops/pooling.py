"""Max and mean pooling: each window is summarised by one number per channel.

N batch, H W input map, C channels, OH OW output map.  Pooling never mixes channels.  Padded cells are not data:
they never win a maximum (the border is -inf, not 0) and are not counted in a mean.
"""

from dataclasses import replace

from minissd.arguments import Cache, Pad, Pair, as_gradient, module_of
from minissd.device import Array, array_module
from minissd.ops.windows import Windows


def max_pool2d(
    x: Array, kernel: Pair, *, stride: Pair | None = None, pad: Pad = 0, ceil_mode: bool = False
) -> tuple[Array, Cache]:
    """Largest value of each window.  x (N, H, W, C) -> y (N, OH, OW, C), cache.

    stride: the kernel's size unless given.  ceil_mode: count a last, partly filled window (VGG's pool3: 75 -> 38).
    """
    xp = module_of("max_pool2d", x=x)
    windows = pooling_windows(x, kernel, stride, pad, ceil_mode)
    padded = windows.pad(x, -xp.inf)
    y = xp.full((x.shape[0], *windows.out, x.shape[3]), -xp.inf, dtype=x.dtype)
    for ky, kx in windows.taps():
        xp.maximum(y, windows.tap(padded, ky, kx), out=y)
    return y, (x, y, windows)


def max_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """dy (N, OH, OW, C) -> dx (N, H, W, C): the gradient goes to the cell that won, the first one in a tie."""
    x, y, windows = cache
    xp, dy = array_module(dy, x), as_gradient("max_pool2d", dy, y.shape, y.dtype)
    padded = windows.pad(x, xp.nan)  # equals nothing: a padded cell never wins, even where all others are -inf
    dx = xp.zeros(padded.shape, dtype=dy.dtype)
    unclaimed = xp.ones(y.shape, dtype=bool)
    for ky, kx in windows.taps():
        won = (windows.tap(padded, ky, kx) == y) & unclaimed
        unclaimed ^= won
        target = windows.tap(dx, ky, kx)
        target += dy * won
    return windows.crop(dx)


def avg_pool2d(
    x: Array, kernel: Pair, *, stride: Pair | None = None, pad: Pad = 0, ceil_mode: bool = False
) -> tuple[Array, Cache]:
    """Mean of the real (not padded) cells of each window.  x (N, H, W, C) -> y (N, OH, OW, C), cache."""
    xp = module_of("avg_pool2d", x=x)
    windows = pooling_windows(x, kernel, stride, pad, ceil_mode)
    padded = windows.pad(x)
    plane = replace(windows, x_shape=(1, *x.shape[1:3], 1))
    real = plane.pad(xp.ones(plane.x_shape, dtype=x.dtype))
    count = sum(plane.tap(real, ky, kx) for ky, kx in plane.taps())  # (1, OH, OW, 1): cells of each window on the map
    y = xp.zeros((x.shape[0], *windows.out, x.shape[3]), dtype=x.dtype)
    for ky, kx in windows.taps():
        y += windows.tap(padded, ky, kx)
    y /= count
    return y, (count, windows)


def avg_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """dy (N, OH, OW, C) -> dx (N, H, W, C): every cell of a window gets 1 / count of its gradient."""
    (count, windows), (n, *_, c) = cache, cache[1].x_shape
    xp, dy = array_module(dy, count), as_gradient("avg_pool2d", dy, (n, *windows.out, c), count.dtype)
    share = dy / count
    dx = xp.zeros((dy.shape[0], *windows.padded_size, dy.shape[3]), dtype=dy.dtype)
    for ky, kx in windows.taps():
        target = windows.tap(dx, ky, kx)
        target += share
    return windows.crop(dx)


def global_avg_pool2d(x: Array) -> tuple[Array, Cache]:
    """Mean of each channel over the whole map.  x (N, H, W, C) -> y (N, C), cache."""
    module_of("global_avg_pool2d", x=x)
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(f"global_avg_pool2d needs x (N, H, W, C) with cells and channels, got {x.shape}")
    return x.mean(axis=(1, 2)), (x.shape, x.dtype)


def global_avg_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """dy (N, C) -> dx (N, H, W, C): every cell gets 1 / (H*W) of the gradient."""
    x_shape, dtype = cache
    dy = as_gradient("global_avg_pool2d", dy, (x_shape[0], x_shape[3]), dtype)
    share = dy[:, None, None] / (x_shape[1] * x_shape[2])
    return array_module(dy).broadcast_to(share, x_shape).copy()


def pooling_windows(x: Array, kernel: Pair, stride: Pair | None, pad: Pad, ceil_mode: bool) -> Windows:
    windows = Windows.over(x.shape, kernel, kernel if stride is None else stride, pad, ceil_mode=ceil_mode)
    if any(max(pad) >= k for pad, k in zip(windows.pads, windows.kernel, strict=True)):
        raise ValueError(
            f"pooling pad {windows.pads} must be smaller than the kernel {windows.kernel}: a window would be empty"
        )
    return windows
