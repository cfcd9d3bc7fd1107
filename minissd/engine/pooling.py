"""Max pooling on a card, one kernel per pass; on a CPU it is that of `minissd.ops`."""

from minissd import ops
from minissd.arguments import Cache, Pad, Pair, floats, gradient_of
from minissd.device import Array, array_module
from minissd.engine.cuda import on_card
from minissd.engine.cuda.windows import MAX_POOL, MAX_POOL_BACKWARD, MOST, geometry
from minissd.ops.pooling import pooling_windows


def max_pool2d(
    x: Array, kernel: Pair, *, stride: Pair | None = None, pad: Pad = 0, ceil_mode: bool = False
) -> tuple[Array, Cache]:
    """As `minissd.ops.max_pool2d`."""
    if not on_card(x) or x.size >= MOST:
        return ops.max_pool2d(x, kernel, stride=stride, pad=pad, ceil_mode=ceil_mode)
    xp, windows = floats("max_pool2d", x=x), pooling_windows(x, kernel, stride, pad, ceil_mode)
    x = xp.ascontiguousarray(x)
    y = MAX_POOL(x, *geometry(windows), xp.empty((len(x), *windows.out, x.shape[3]), dtype=x.dtype))
    return y, (x, y, windows)


def max_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """As `minissd.ops.max_pool2d_backward`."""
    x, y, windows = cache
    if not on_card(x) or x.size >= MOST:
        return ops.max_pool2d_backward(dy, cache)
    xp, dy = array_module(dy, x), gradient_of("max_pool2d", dy, y.shape, y.dtype)
    return MAX_POOL_BACKWARD(x, y, xp.ascontiguousarray(dy), *geometry(windows), xp.empty(x.shape, dtype=dy.dtype))
