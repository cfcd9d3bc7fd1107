"""Depthwise convolution in blocks that fit the cache; what it computes is in `minissd/ops/depthwise.py`.

There is no matrix product in it: KH*KW multiply-adds for an output, done while the numbers lie in the cache.  A row
of the output is one vector of OW*C numbers, since NumPy is slow on many short ones, and einsum adds up the products
of all taps in one pass; a loop over the taps with multiply and add took longer at every size of a block.

The rows that a block sees are copied to scratch memory with their padding, so that no padded map is ever there, and
the columns of each phase, u = phase + stride*q, side by side: at any stride what a tap sees of a row is one vector.

N batch, H W input map, C channels, KH KW kernel, OH OW output map.
"""

from collections.abc import Callable
from math import gcd, prod

from minissd.arguments import Cache, Pad, Pair, as_gradient
from minissd.device import Array, array_module
from minissd.engine.algorithms.adjoint import adjoint
from minissd.engine.algorithms.algorithm import unchanged
from minissd.engine.algorithms.im2col import mirrored_windows
from minissd.engine.cpu.gathering import window_blocks
from minissd.engine.cpu.threads import in_shares, threads_for
from minissd.engine.cpu.views import on_the_map, strided_view
from minissd.engine.cuda import on_card
from minissd.engine.cuda.windows import DEPTHWISE, MOST, geometry
from minissd.engine.runtime import empty, loan
from minissd.engine.sums import column_sums
from minissd.ops.depthwise import depthwise_windows
from minissd.ops.geometry import effective_kernel
from minissd.ops.windows import Windows

PRODUCT = 16  # a multiply-add of einsum takes as long as so many of a matrix product


def depthwise_conv2d(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Pair = 1,
    pad: Pad = 0,
    dilation: Pair = 1,
    kept: dict | None = None,
    finish: Callable[[Array], None] = unchanged,
) -> tuple[Array, Cache]:
    """As `minissd.ops.depthwise_conv2d`: x (N, H, W, C), w (KH, KW, C), b (C,) or None -> y (N, OH, OW, C), cache.

    kept, finish: as for `minissd.engine.conv2d`.
    """
    windows = depthwise_windows(x, w, b, stride, pad, dilation)
    y = _correlate(x, w, windows, b, finish, kept)
    return y, (x, w, windows, b is not None)


def depthwise_conv2d_backward(
    dy: Array, cache: Cache, *, need_dx: bool = True
) -> tuple[Array | None, Array, Array | None]:
    """As `minissd.ops.depthwise_conv2d_backward`; need_dx=False leaves dx out (None)."""
    x, w, windows, has_bias = cache
    xp, y_shape = array_module(dy, x, w), (x.shape[0], *windows.out, w.shape[2])
    dy = xp.ascontiguousarray(as_gradient("depthwise_conv2d", dy, y_shape, x.dtype))
    db = column_sums(dy.reshape(-1, w.shape[2])) if has_bias else None  # (1) every position adds the same bias
    dw = _weight_gradient(dy, x, windows)
    return _input_gradient(dy, w, windows) if need_dx else None, dw, db


def _correlate(x, w, windows, b=None, finish=unchanged, kept=None):
    """y: the products of each window with the kernel, added up, and the bias; finish, kept as there."""
    xp = array_module(x)
    n, (oh, ow), c = x.shape[0], windows.out, x.shape[3]
    if on_card(x) and max(x.size, n * oh * ow * c) < MOST:
        x, w = xp.ascontiguousarray(x), xp.ascontiguousarray(w)
        y = DEPTHWISE(x, w, *geometry(windows), xp.empty((n, oh, ow, c), dtype=x.dtype))
        if b is not None:
            y += b
        finish(y)
        return y
    y = empty((n, oh, ow * c), x)
    wide_w, wide_b = _wide(w, b, ow, {} if kept is None else kept)

    def multiply(images, rows, phases):
        out = y[images, rows]
        for i, (columns, patches) in enumerate(phases):
            part = _summed_products(patches, wide_w[:, columns], "nrx", None if i else out)
            if i:
                out += part
        if b is not None:
            out += wide_b
        finish(out)

    _for_each_block(multiply, x, windows)
    return y.reshape(n, oh, ow, c)


def _wide(w, b, ow, kept):
    """w and b again and again for every cell of a row, (KH, KW, OW*C) and (OW*C,) or None."""
    if ow not in kept:
        xp = array_module(w)
        kept[ow] = xp.tile(w, (1, 1, ow)), None if b is None else xp.tile(b, ow)
    return kept[ow]


def _weight_gradient(dy, x, windows):
    """(2) a weight met every cell its tap saw, and moved the output by as much: dw = sum of x * dy."""
    xp = array_module(x)
    n, (oh, ow), c = x.shape[0], windows.out, x.shape[3]
    wide_dy = dy.reshape(n, oh, ow * c)

    def multiply(images, rows, phases):
        wide_dw = xp.empty((*windows.kernel, ow * c), dtype=x.dtype)
        for columns, patches in phases:
            wide_dw[:, columns] = _summed_products(patches, wide_dy[images, rows, None, None], "klx")
        return wide_dw

    parts = _for_each_block(multiply, x, windows)
    wide_dw = sum(parts, xp.zeros((*windows.kernel, ow * c), dtype=x.dtype))
    return wide_dw.reshape(*windows.kernel, ow, c).sum(axis=2)


def _input_gradient(dy, w, windows):
    """(3) a cell moved every output that saw it, by the weight it was seen through."""
    mirrored = mirrored_windows(dy, windows)
    if mirrored is not None:
        return _correlate(dy, w[::-1, ::-1], mirrored)
    return adjoint(
        dy, w, windows, lambda dy, taps, pads: _correlate(dy, taps, Windows.over(dy.shape, taps.shape[:2], 1, pads))
    )


def _for_each_block(work, x, windows):
    """work(images, rows, phases) for every block of the output, on all cores; phases: as of `_phases`.

    Returns for each thread the sum of what `work` returned.
    """
    xp = array_module(x)
    x = xp.ascontiguousarray(x)
    threads = threads_for(PRODUCT * len(x) * prod(windows.out) * prod(windows.kernel) * x.shape[3], xp)

    def work_on_share(share):
        total = None
        for images, rows in share:
            with loan() as scratch:
                result = work(images, rows, _phases(_padded_rows(x, windows, images, rows, scratch), windows, rows))
            if total is None:
                total = result
            else:
                total += result
        return total

    blocks = list(window_blocks(windows, xp, x.dtype.itemsize, threads))
    if threads == 1:
        return [work_on_share(blocks)] if blocks else []
    return in_shares(work_on_share, blocks, xp, products=False)


def _padded_rows(x, windows, images, rows, scratch):
    """The rows of the padded map that a block sees, (n, rows seen, phases, columns of a phase, C)."""
    (sy, sx), ((top, _), (left, _)), c = windows.stride, windows.pads, x.shape[3]
    high, wide = (effective_kernel(k, d) - 1 for k, d in zip(windows.kernel, windows.dilation, strict=True))
    count, columns = (rows.stop - rows.start - 1) * sy + high + 1, windows.out[1] + wide // sx
    padded = scratch((images.stop - images.start, count, sx, columns, c), x)
    down, cells_down = on_the_map(rows.start * sy, count, 1, top, x.shape[1])
    padded[:, : down.start] = padded[:, down.stop :] = 0
    for phase in range(sx):
        across, cells_across = on_the_map(phase, columns, sx, left, x.shape[2])
        part = padded[:, down, phase]
        part[:, :, across] = x[images, cells_down, cells_across]
        part[:, :, : across.start] = part[:, :, across.stop :] = 0
    return padded


def _phases(padded, windows, rows):
    """[(columns of the kernel, what they see, (n, rows, KH, of the columns, OW*C), a view)] of each phase."""
    n, count, sx, columns, c = padded.shape
    (kh, kw), (dy, dx), row = windows.kernel, windows.dilation, sx * columns * c
    step = sx // gcd(sx, dx)  # from one column of the kernel to the next of the same phase
    strides = (count * row, windows.stride[0] * row, dy * row, step * dx // sx * c, 1)
    found = []
    for first in range(min(step, kw)):
        q, phase = divmod(first * dx, sx)
        shape = (n, rows.stop - rows.start, kh, len(range(first, kw, step)), windows.out[1] * c)
        found.append((slice(first, None, step), strided_view(padded, (phase * columns + q) * c, shape, strides)))
    return found


def _summed_products(patches, factors, kept, out=None):
    """patches (n, rows, KH, KW, OW*C) * factors, summed over all axes but `kept`, named as in "nrklx"."""
    xp, axes = array_module(patches), "nrklx"
    if xp.__name__ == "numpy":
        return xp.einsum(f"{axes},{axes[-factors.ndim :]}->{kept}", patches, factors, out=out)
    dropped = tuple(i for i, axis in enumerate(axes) if axis not in kept)
    return (patches * factors).sum(axis=dropped, out=out)  # CuPy's einsum would make many tiny matrix products of it
