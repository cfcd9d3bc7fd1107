"""Depthwise convolution in blocks that fit the cache; what it computes is in `minissd/ops/depthwise.py`.

There is no matrix product in it: KH*KW multiply-adds for an output, done while the numbers lie in the cache.  A row
of the output is one vector of OW*C numbers, since NumPy is slow on many short ones, and einsum adds up the products
of all taps in one pass; a loop over the taps with multiply and add took twice as long or more.

N batch, H W input map, C channels, KH KW kernel, OH OW output map.
"""

from minissd.arguments import Cache, Pad, Pair, as_gradient
from minissd.device import Array, array_module
from minissd.engine.algorithms.adjoint import adjoint
from minissd.engine.cpu.gathering import pad, sliding, window_blocks
from minissd.engine.cpu.threads import in_shares
from minissd.engine.cuda import on_card
from minissd.engine.cuda.windows import DEPTHWISE, MOST, geometry
from minissd.ops.depthwise import depthwise_windows
from minissd.ops.windows import Windows


def depthwise_conv2d(
    x: Array, w: Array, b: Array | None = None, *, stride: Pair = 1, pad: Pad = 0, dilation: Pair = 1
) -> tuple[Array, Cache]:
    """As `minissd.ops.depthwise_conv2d`: x (N, H, W, C), w (KH, KW, C), b (C,) or None -> y (N, OH, OW, C), cache."""
    windows = depthwise_windows(x, w, b, stride, pad, dilation)
    y = _correlate(x, w, windows)
    if b is not None:
        y += b
    return y, (x, w, windows, b is not None)


def depthwise_conv2d_backward(
    dy: Array, cache: Cache, *, need_dx: bool = True
) -> tuple[Array | None, Array, Array | None]:
    """As `minissd.ops.depthwise_conv2d_backward`; need_dx=False leaves dx out (None)."""
    x, w, windows, has_bias = cache
    xp, y_shape = array_module(dy, x, w), (x.shape[0], *windows.out, w.shape[2])
    dy = xp.ascontiguousarray(as_gradient("depthwise_conv2d", dy, y_shape, x.dtype))
    db = dy.sum(axis=(0, 1, 2)) if has_bias else None  # (1) every position adds the same bias
    dw = _weight_gradient(dy, x, windows)
    return _input_gradient(dy, w, windows) if need_dx else None, dw, db


def _correlate(x, w, windows):
    """y: the products of each window with the kernel, added up."""
    xp = array_module(x)
    n, (oh, ow), c = x.shape[0], windows.out, x.shape[3]
    if on_card(x) and max(x.size, n * oh * ow * c) < MOST:
        x, w = xp.ascontiguousarray(x), xp.ascontiguousarray(w)
        return DEPTHWISE(x, w, *geometry(windows), xp.empty((n, oh, ow, c), dtype=x.dtype))
    y = xp.empty((n, oh, ow * c), dtype=x.dtype)
    wide_w = xp.tile(w, (1, 1, ow))  # (KH, KW, OW*C)

    def multiply(images, rows, patches):
        y[images, rows] = _summed_products(patches, wide_w, "nrx")

    _for_each_block(multiply, x, windows)
    return y.reshape(n, oh, ow, c)


def _weight_gradient(dy, x, windows):
    """(2) a weight met every cell its tap saw, and moved the output by as much: dw = sum of x * dy."""
    xp = array_module(x)
    n, (oh, ow), c = x.shape[0], windows.out, x.shape[3]
    wide_dy = dy.reshape(n, oh, 1, 1, ow * c)

    def multiply(images, rows, patches):
        return _summed_products(patches, wide_dy[images, rows], "klx")  # (KH, KW, OW*C)

    parts = _for_each_block(multiply, x, windows)
    wide_dw = sum(parts, xp.zeros((*windows.kernel, ow * c), dtype=x.dtype))
    return wide_dw.reshape(*windows.kernel, ow, c).sum(axis=2)


def _input_gradient(dy, w, windows):
    """(3) a cell moved every output that saw it, by the weight it was seen through."""
    return adjoint(
        dy, w, windows, lambda dy, taps, pads: _correlate(dy, taps, Windows.over(dy.shape, taps.shape[:2], 1, pads))
    )


def _for_each_block(work, x, windows):
    """work(images, rows, patches) for every block of the output, on all cores, patches (n, rows, KH, KW, OW*C).

    Returns for each thread the sum of what `work` returned.
    """
    xp = array_module(x)
    patches = sliding(windows, pad(windows, xp.ascontiguousarray(x)))
    patches = patches.transpose(0, 1, 3, 4, 2, 5)  # (N, OH, KH, KW, OW, C), still a view

    def work_on_share(share):
        total = None
        for images, rows in share:
            block = patches[images, rows]
            # At stride 1 still a view, since neighbours are C apart; at others this gathers.
            result = work(images, rows, block.reshape(*block.shape[:4], -1))
            total = result if total is None else total + result
        return total

    return in_shares(work_on_share, window_blocks(windows, xp, x.dtype.itemsize), xp)


def _summed_products(patches, factors, kept):
    """patches (n, rows, KH, KW, OW*C) * factors, summed over all axes but `kept`, named as in "nrklx"."""
    xp, axes = array_module(patches), "nrklx"
    if xp.__name__ == "numpy":
        return xp.einsum(f"{axes},{axes[-factors.ndim :]}->{kept}", patches, factors)
    dropped = tuple(i for i, axis in enumerate(axes) if axis not in kept)
    return (patches * factors).sum(axis=dropped)  # CuPy's einsum would make many tiny matrix products of it
