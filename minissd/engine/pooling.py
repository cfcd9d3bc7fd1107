"""Max pooling in blocks that fit the cache, on all cores; on a GPU one kernel per pass.  As `minissd.ops`, tap by tap:

    y = -inf, winner = the first tap on the map;    for each tap, in reading order:
        winner = the tap where x under the tap > y,     y = max(y, x under the tap)
    dx under each tap += dy where that tap is the winner

What is kept is the winner, a byte for each number of y, and neither x nor y.  Nothing is padded: of each tap only the
windows are looked at that see a cell of the map through it.  A GPU keeps x and y.

N batch, H W input map, OH OW output map, C channels, KH KW kernel.
"""

from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from minissd import ops
from minissd.arguments import Cache, Pad, Pair, as_gradient, module_of
from minissd.device import Array, array_module
from minissd.engine.cpu.threads import in_turns
from minissd.engine.cpu.views import on_the_map
from minissd.engine.cuda import on_card
from minissd.engine.cuda.windows import MAX_POOL, MAX_POOL_BACKWARD, MOST, geometry
from minissd.engine.runtime import empty, loan
from minissd.engine.tuning import tuning_in_force
from minissd.ops.pooling import pooling_windows
from minissd.ops.windows import Windows

LARGEST = 255  # taps of a kernel whose number fits a byte
NOBODY = 255  # the winner where y is NaN, as in `minissd.ops`


class Winners(NamedTuple):
    taps: np.ndarray  # (N, OH, OW, C) uint8: ky * KW + kx of the cell that was the largest
    windows: Windows
    dtype: np.dtype  # of x


def max_pool2d(
    x: Array,
    kernel: Pair,
    *,
    stride: Pair | None = None,
    pad: Pad = 0,
    ceil_mode: bool = False,
    need_cache: bool = True,
) -> tuple[Array, Cache]:
    """As `minissd.ops.max_pool2d`.  need_cache=False leaves the cache out (None): inference has no use for it."""
    xp, windows = module_of("max_pool2d", x=x), pooling_windows(x, kernel, stride, pad, ceil_mode)
    if on_card(x) and x.size < MOST:
        x = xp.ascontiguousarray(x)
        y = MAX_POOL(x, *geometry(windows), xp.empty((len(x), *windows.out, x.shape[3]), dtype=x.dtype))
        return y, (x, y, windows)
    if on_card(x) or prod(windows.kernel) > LARGEST:
        return ops.max_pool2d(x, kernel, stride=stride, pad=pad, ceil_mode=ceil_mode)
    if not need_cache and _share_out(windows) and windows.padded_size == windows.x_shape[1:3]:
        return _largest_of_rows_then_columns(x, windows), None
    y, taps = _largest(x, windows, need_cache)
    return y, Winners(taps, windows, x.dtype) if need_cache else None


def max_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """As `minissd.ops.max_pool2d_backward`."""
    if isinstance(cache, Winners):
        array_module(dy, cache.taps)
        return _to_winners(as_gradient("max_pool2d", dy, cache.taps.shape, cache.dtype), cache)
    x, y, windows = cache
    if on_card(x) and x.size < MOST:
        xp, dy = array_module(dy, x), as_gradient("max_pool2d", dy, y.shape, y.dtype)
        return MAX_POOL_BACKWARD(x, y, xp.ascontiguousarray(dy), *geometry(windows), xp.empty(x.shape, dtype=dy.dtype))
    return ops.max_pool2d_backward(dy, cache)


def _largest(x, windows, need_taps):
    """y (N, OH, OW, C), and the taps of the winners likewise, or None."""
    y = empty((len(x), *windows.out, x.shape[3]), x)
    taps = empty(y.shape, y, np.dtype(np.uint8)) if need_taps else None
    first = _first_taps(windows)

    def work(block):
        largest, winner = y[block], taps[block] if need_taps else None
        largest.fill(-np.inf)
        if need_taps:
            winner[...] = first[block[1], :, None]
        for tap, windows_there, cells in _under_each_tap(windows, block):
            value, part = x[cells], largest[windows_there]
            if need_taps and tap:
                with loan() as scratch:
                    code = np.greater(value, part, out=scratch(part.shape, part, np.dtype(bool))).view(np.uint8)
                    code *= np.uint8(tap)  # taps come in rising order, so the last that was larger is the maximum
                    np.maximum(winner[windows_there], code, out=winner[windows_there])
            np.maximum(part, value, out=part)
        if need_taps and np.isnan(largest.max()):
            winner |= np.isnan(largest) * np.uint8(NOBODY)

    in_turns(work, _blocks(windows, y), np, products=False)
    return y, taps


def _largest_of_rows_then_columns(x, windows):
    """y (N, OH, OW, C) of windows that share out the map and end with it: the maximum over the rows of a window first,
    which are long runs of numbers in memory, and of what is left over its columns."""
    (kh, kw), (_, ow), c = windows.kernel, windows.out, x.shape[3]
    y = empty((len(x), *windows.out, c), x)

    def work(block):
        images, rows = block
        cells = x[images, kh * rows.start : kh * rows.stop]  # (n, KH*rows, W, C)
        n, count = len(cells), rows.stop - rows.start
        with loan() as scratch:
            row = scratch((n, count, kw * ow, c), x)
            _largest_of([cells.reshape(n, count, kh, kw * ow, c)[:, :, ky] for ky in range(kh)], row)
            _largest_of([row.reshape(n, count, ow, kw, c)[..., kx, :] for kx in range(kw)], y[block])

    in_turns(work, _blocks(windows, y), np, products=False)
    return y


def _largest_of(arrays, out):
    np.maximum(arrays[0], arrays[-1], out=out)
    for array in arrays[1:-1]:
        np.maximum(out, array, out=out)


def _to_winners(dy, cache):
    """dx (N, H, W, C)."""
    taps, windows, _ = cache
    dx, share_out = empty(windows.x_shape, dy), _share_out(windows)

    def work(block):
        dy_part, winner = dy[block], taps[block]
        if not share_out:
            dx[block[0]] = 0  # the block is whole images
        for tap, windows_there, cells in _under_each_tap(windows, block):
            won = winner[windows_there] == tap
            if share_out:
                np.multiply(dy_part[windows_there], won, out=dx[cells])
            else:
                target = dx[cells]
                target += dy_part[windows_there] * won

    in_turns(work, _blocks(windows, dy, whole_images=not share_out), np, products=False)
    return dx


def _share_out(windows):
    """Whether every cell of the map is in one window."""
    covered = tuple(out * stride for out, stride in zip(windows.out, windows.stride, strict=True))
    return windows.kernel == windows.stride and windows.padded_size == covered and not any(map(any, windows.pads))


def _blocks(windows, y, whole_images=False):
    """[(images, rows of y), ...], slices: some rows of an image, or several small images."""
    (n, oh, ow, c), (sy, sx) = y.shape, windows.stride
    seen = sy * sx * ow * c * y.itemsize  # bytes of x below a row of y
    rows = max(1, tuning_in_force().sizes.pooling_block // seen)
    images = max(1, rows // oh)
    rows = oh if whole_images else min(rows, oh)
    edges = product(range(0, n, images), range(0, oh, rows))
    return [(slice(i, min(i + images, n)), slice(r, min(r + rows, oh))) for i, r in edges]


def _first_taps(windows):
    """(OH, OW) uint8: the tap through which each window sees its first cell, in reading order."""
    down, across = (
        np.maximum(0, before - stride * np.arange(out))
        for (before, _), stride, out in zip(windows.pads, windows.stride, windows.out, strict=True)
    )
    return (down[:, None] * windows.kernel[1] + across).astype(np.uint8)


def _under_each_tap(windows, block):
    """(number of the tap, slices of a block of y, slices of x): the windows that see the map through it, and what."""
    (images, rows), (sy, sx), ((top, _), (left, _)) = block, windows.stride, windows.pads
    count = rows.stop - rows.start
    for tap, (ky, kx) in enumerate(windows.taps()):
        down, cells_down = on_the_map(rows.start * sy + ky, count, sy, top, windows.x_shape[1])
        across, cells_across = on_the_map(kx, windows.out[1], sx, left, windows.x_shape[2])
        yield tap, (slice(None), down, across), (images, cells_down, cells_across)
