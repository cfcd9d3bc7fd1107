"""Max pooling on a GPU, one kernel per pass; on a CPU the 2x2 pooling that halves a map, on all cores.

Such a window is two pairs, one below the other, and a map (N, 2 OH, 2 OW, C) the same memory as (N, 2 OH, OW, 2, C):

    pairs = max(left, right)                        y = max(upper pairs, lower pairs)
    d_upper = dy where upper pairs == y             d_lower = dy - d_upper
    d_left = d_pairs where left == pairs            d_right = d_pairs - d_left

Of equal values the first in reading order wins, as in `minissd.ops`.  The maps are walked in blocks of rows that fit
the cache, so that each is read from memory once.  All other poolings on a CPU are those of `minissd.ops`.

N batch, OH OW output map, C channels, R rows of y in a block.
"""

import numpy as np

from minissd import ops
from minissd.arguments import Cache, Pad, Pair, floats, gradient_of
from minissd.device import Array, array_module
from minissd.engine.cpu.threads import in_turns
from minissd.engine.cuda import on_card
from minissd.engine.cuda.windows import MAX_POOL, MAX_POOL_BACKWARD, MOST, geometry
from minissd.engine.runtime import empty, loan
from minissd.ops.pooling import pooling_windows
from minissd.ops.windows import Windows

BLOCK_BYTES = 1 << 18  # of x


def max_pool2d(
    x: Array, kernel: Pair, *, stride: Pair | None = None, pad: Pad = 0, ceil_mode: bool = False
) -> tuple[Array, Cache]:
    """As `minissd.ops.max_pool2d`."""
    xp, windows = floats("max_pool2d", x=x), pooling_windows(x, kernel, stride, pad, ceil_mode)
    if on_card(x) and x.size < MOST:
        x = xp.ascontiguousarray(x)
        y = MAX_POOL(x, *geometry(windows), xp.empty((len(x), *windows.out, x.shape[3]), dtype=x.dtype))
    elif not on_card(x) and halves(windows):
        x = xp.ascontiguousarray(x)
        y = _halve(x)
    else:
        return ops.max_pool2d(x, kernel, stride=stride, pad=pad, ceil_mode=ceil_mode)
    return y, (x, y, windows)


def max_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """As `minissd.ops.max_pool2d_backward`."""
    x, y, windows = cache
    xp, dy = array_module(dy, x), gradient_of("max_pool2d", dy, y.shape, y.dtype)
    if on_card(x) and x.size < MOST:
        return MAX_POOL_BACKWARD(x, y, xp.ascontiguousarray(dy), *geometry(windows), xp.empty(x.shape, dtype=dy.dtype))
    if not on_card(x) and halves(windows):
        return _halve_backward(xp.ascontiguousarray(dy), x, y)
    return ops.max_pool2d_backward(dy, cache)


def halves(windows: Windows) -> bool:
    """Whether the windows are 2x2 and share a map of even sides out among them."""
    return windows.kernel == windows.stride == (2, 2) and tuple(2 * n for n in windows.out) == windows.x_shape[1:3]


def _halve(x):
    y = empty((len(x), x.shape[1] // 2, x.shape[2] // 2, x.shape[3]), x)

    def work(block):
        with loan() as scratch:
            pairs = _larger(_pairs(x, block), scratch)
            np.maximum(pairs[0::2], pairs[1::2], out=y[block])

    in_turns(work, _blocks(y), np)
    return y


def _halve_backward(dy, x, y):
    dx = empty(x.shape, x)

    def work(block):
        x_pairs, dx_pairs = _pairs(x, block), _pairs(dx, block)
        with loan() as scratch:
            pairs, d_pairs = _larger(x_pairs, scratch), scratch(x_pairs[:, :, 0].shape, x)
            upper, d_upper, d_lower = pairs[0::2], d_pairs[0::2], d_pairs[1::2]
            np.multiply(dy[block], upper == y[block], out=d_upper)
            np.subtract(dy[block], d_upper, out=d_lower)
            left, d_left, d_right = x_pairs[:, :, 0], dx_pairs[:, :, 0], dx_pairs[:, :, 1]
            np.multiply(d_pairs, left == pairs, out=d_left)
            np.subtract(d_pairs, d_left, out=d_right)

    in_turns(work, _blocks(y), np)
    return dx


def _blocks(y):
    """[(image, rows of y), ...]: small pieces, in order."""
    rows = max(1, BLOCK_BYTES // (4 * y[0, 0].nbytes)) if y.size else 1
    return [(n, slice(first, first + rows)) for n in range(len(y)) for first in range(0, y.shape[1], rows)]


def _pairs(x, block):
    """(2 R, OW, 2, C): the rows of x (N, 2 OH, 2 OW, C) below a block of y."""
    n, rows = block
    part = x[n, 2 * rows.start : 2 * rows.stop]
    return part.reshape(len(part), -1, 2, x.shape[3])


def _larger(x_pairs, scratch):
    """(2 R, OW, 2, C) -> (2 R, OW, C), in memory of the loan."""
    left, right = x_pairs[:, :, 0], x_pairs[:, :, 1]
    return np.maximum(left, right, out=scratch(left.shape, x_pairs))
