"""Convolution: the kernel slides over the map, and every position is a dot product (lecture, "Convolution").

What networks call convolution is cross-correlation: the kernel is not flipped.
    y[n, i, j, d] = b[d] + sum over ky, kx, c of
                    x[n, i*stride + ky*dilation - pad, j*stride + kx*dilation - pad, c] * w[ky, kx, c, d]

N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.  With the patches as rows of a
matrix, cols (N*OH*OW, KH*KW*C), this is y = cols @ w + b.  The matrix is KH*KW times the size of x, so it is never
there as a whole: blocks of it that fit the cache are gathered, multiplied and forgotten; the backward pass gathers
them again, or at stride 1 the patches of dy instead.
"""

from itertools import chain, groupby
from typing import NamedTuple

from minissd.backend import array_module
from minissd.ops.geometry import effective_kernel
from minissd.ops.im2col import Windows, scatter_add, window_blocks
from minissd.ops.threads import in_shares


class Conv2dCache(NamedTuple):
    x: object  # (N, H, W, C)
    w: object  # (KH, KW, C, D)
    windows: Windows
    has_bias: bool


def conv2d(x, w, b=None, *, stride=1, pad=0, dilation=1, algorithm="auto"):
    """Cross-correlate x (N, H, W, C) with w (KH, KW, C, D), add b (D,) or None  ->  y (N, OH, OW, D), cache.

    stride, dilation: int or (vertical, horizontal).  pad: int, pair, ((top, bottom), (left, right)) or "same".
    dilation r > 1 is the atrous convolution of the SSD notes: r - 1 holes between the taps.
    algorithm: "im2col", or "auto", which picks the fastest one there is.
    """
    xp = array_module(x, w, b)
    _check_arguments(x, w, b, algorithm)
    windows = Windows.over(x.shape, w.shape[:2], stride, pad, dilation)
    d = w.shape[3]
    w_rows = w.reshape(-1, d)  # (KH*KW*C, D)
    y = xp.empty((x.shape[0], *windows.out, d), dtype=x.dtype)

    def multiply(images, rows, cols):
        out = y[images, rows].reshape(-1, d)  # a view
        xp.matmul(cols, w_rows, out=out)
        if b is not None:
            out += b

    _for_each_block(multiply, x, windows)
    return y, Conv2dCache(x, w, windows, b is not None)


def conv2d_backward(dy, cache, *, need_dx=True):
    """Gradients of `conv2d`.  dy: (N, OH, OW, D)  ->  dx: (N, H, W, C), dw: (KH, KW, C, D), db: (D,).

    db is None where there was no b.  need_dx=False leaves dx out (None): the first layer of a network in training
    has no use for it.
    """
    x, w, windows, has_bias = cache
    xp = array_module(dy, x, w)
    dy = xp.ascontiguousarray(dy)
    db = dy.reshape(-1, w.shape[3]).sum(axis=0) if has_bias else None  # (1) every position adds the same bias
    if not need_dx:
        return None, _weight_gradient(dy, x, w, windows), db
    mirrored = _mirrored_windows(dy, windows)
    if mirrored is not None:
        return *_backward_by_gathering(dy, x, w, mirrored), db
    return *_backward_by_scattering(dy, x, w, windows), db


def _weight_gradient(dy, x, w, windows):
    """dw alone."""
    xp, d = array_module(x), w.shape[3]

    def multiply(images, rows, cols):
        return cols.T @ dy[images, rows].reshape(-1, d)  # (2) y = cols @ w   =>  dw = cols^T dy

    return _total(xp, _for_each_block(multiply, x, windows), w)


def _backward_by_scattering(dy, x, w, windows):
    """dx, dw for any stride and dilation, as the formula says: dcols is put back where the patches came from."""
    xp, d = array_module(x), w.shape[3]
    w_rows = w.reshape(-1, d)  # (KH*KW*C, D)
    padded = xp.zeros((x.shape[0], *windows.padded_size, x.shape[3]), dtype=x.dtype)

    def multiply_and_scatter(images, rows, cols):
        dy_rows = dy[images, rows].reshape(-1, d)  # (n*rows*OW, D)   one row per patch
        dw = cols.T @ dy_rows  # (2)
        scatter_add(dy_rows @ w_rows.T, padded, windows, images, rows)  # (3) dcols = dy w^T, put back
        return dw

    # windows of one image overlap, so two threads must not work on the same
    dw = _total(xp, _for_each_block(multiply_and_scatter, x, windows, whole_images=True), w)
    return windows.crop(padded), dw


def _backward_by_gathering(dy, x, w, mirrored):
    """dx, dw at stride 1, where both are products with one matrix, the patches of dy.

    A cell of x is seen by output (i, j) through tap (ky, kx) and by its neighbours through the other taps, in mirror
    image.  So dx is the convolution of dy with the mirrored kernel, and dw the product of the same patches with x.
    Nothing is scattered, and each patch gathered serves twice.
    """
    xp = array_module(x)
    kh, kw, c, d = w.shape
    w_mirrored = xp.ascontiguousarray(w[::-1, ::-1].transpose(0, 1, 3, 2)).reshape(-1, c)  # (KH*KW*D, C)
    dx = xp.empty(x.shape, dtype=x.dtype)

    def multiply(images, rows, cols):  # cols: patches of dy, (n*rows*W, KH*KW*D)
        xp.matmul(cols, w_mirrored, out=dx[images, rows].reshape(-1, c))
        return cols.T @ x[images, rows].reshape(-1, c)  # (KH*KW*D, C)

    dw = _total(xp, _for_each_block(multiply, dy, mirrored), xp.empty((kh, kw, d, c), dtype=w.dtype))
    return dx, xp.ascontiguousarray(dw[::-1, ::-1].transpose(0, 1, 3, 2))


def _mirrored_windows(dy, windows):
    """The windows over dy that see, for each cell of x, all outputs the cell contributed to; None if there are none.

    They exist at stride 1 when no pad is wider than the kernel reaches.
    """
    reach = [effective_kernel(k, d) - 1 for k, d in zip(windows.kernel, windows.dilation)]
    pads = tuple((r - before, r - after) for r, (before, after) in zip(reach, windows.pads))
    if windows.stride != (1, 1) or min(map(min, pads)) < 0:
        return None
    return Windows.over(dy.shape, windows.kernel, 1, pads, windows.dilation)


def _for_each_block(work, x, windows, whole_images=False):
    """work(images, rows, cols) for every block of the output, cols its patches (n*rows*OW, KH*KW*C), on all cores.

    Returns for each thread the sum of what `work` returned.  whole_images: all blocks of an image go to one thread.
    """
    xp = array_module(x)
    patches = windows.patches(windows.pad(xp.ascontiguousarray(x)))
    row_length = patches[0, 0, 0].size if len(x) else 0
    blocks = window_blocks(windows, xp, x.dtype.itemsize)
    groups = _by_image(blocks) if whole_images else [[block] for block in blocks]

    def work_on_share(share):
        total = None
        for images, rows in chain.from_iterable(share):
            cols = patches[images, rows].reshape(-1, row_length)  # gathers; a view where the map is the matrix (1x1)
            result = work(images, rows, cols)
            total = result if total is None else total + result
        return total

    return in_shares(work_on_share, groups, xp)


def _by_image(blocks):
    """Consecutive blocks of the same images, in lists."""
    return [list(group) for _, group in groupby(blocks, key=lambda block: block[0].start)]


def _total(xp, parts, w):
    """Sum of the shares' gradients, in the shape of w; zero if there was nothing to do."""
    total = sum(parts[1:], parts[0]) if parts else xp.zeros_like(w)
    return total.reshape(w.shape)


def _check_arguments(x, w, b, algorithm):
    if x.ndim != 4 or w.ndim != 4 or x.shape[3] != w.shape[2]:
        raise ValueError(f"conv2d needs x (N, H, W, C) and w (KH, KW, C, D), got x {x.shape} and w {w.shape}")
    if b is not None and b.shape != (w.shape[3],):
        raise ValueError(f"conv2d: bias {b.shape} does not fit the {w.shape[3]} output channels of w {w.shape}")
    if algorithm not in ("auto", "im2col"):
        raise ValueError(f'conv2d: algorithm must be "auto" or "im2col", got {algorithm!r}')
