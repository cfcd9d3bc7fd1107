"""Convolution: the kernel slides over the map, and every position is a dot product (lecture, "Convolution").

What networks call convolution is cross-correlation: the kernel is not flipped.
    y[n, i, j, d] = b[d] + sum_{ky, kx, c} x[n, i*stride + ky*dilation - pad, j*stride + kx*dilation - pad, c] w[ky, kx, c, d]

N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.  With the patches as rows of a
matrix, cols (N*OH*OW, KH*KW*C), this is y = cols @ w + b.  The matrix is KH*KW times the size of x, so it is
gathered block by block into one small workspace, and gathered again in the backward pass instead of kept.
"""

from typing import NamedTuple

from minissd.backend import array_module
from minissd.ops.im2col import Windows, gather, scatter_add, window_blocks


class Conv2dCache(NamedTuple):
    x: object  # (N, H, W, C)
    w: object  # (KH, KW, C, D)
    windows: Windows


def conv2d(x, w, b=None, *, stride=1, pad=0, dilation=1, algorithm="auto"):
    """Cross-correlate x (N, H, W, C) with w (KH, KW, C, D), add b (D,) or None  ->  y (N, OH, OW, D), cache.

    stride, dilation: int or (vertical, horizontal).  pad: int, pair, ((top, bottom), (left, right)) or "same".
    dilation r > 1 is the atrous convolution of the SSD notes: r - 1 holes between the taps.
    algorithm: "im2col", or "auto", which picks the fastest one there is.
    """
    xp = array_module(x, w, b)
    _check_arguments(x, w, b, algorithm)
    windows = Windows.over(x.shape, w.shape[:2], stride, pad, dilation)
    n, c, d = x.shape[0], x.shape[3], w.shape[3]
    w_rows = w.reshape(-1, d)  # (KH*KW*C, D)
    y = xp.empty((n, *windows.out, d), dtype=x.dtype)
    if _is_pointwise(windows):  # one tap: the map itself is the matrix of patches
        xp.matmul(x.reshape(-1, c), w_rows, out=y.reshape(-1, d))
    else:
        for images, rows, cols in _gathered(x, windows):
            xp.matmul(cols, w_rows, out=y[images, rows].reshape(-1, d))
    if b is not None:
        y += b
    return y, Conv2dCache(x, w, windows)


def conv2d_backward(dy, cache, *, need_dx=True):
    """Gradients of `conv2d`.  dy: (N, OH, OW, D)  ->  dx: (N, H, W, C), dw: (KH, KW, C, D), db: (D,).

    need_dx=False leaves dx out (None): the first layer of a network in training has no use for it.
    """
    x, w, windows = cache
    xp = array_module(dy, x, w)
    d = w.shape[3]
    dy = xp.ascontiguousarray(dy)
    w_rows = w.reshape(-1, d)  # (KH*KW*C, D)
    db = dy.reshape(-1, d).sum(axis=0)  # (1) every position adds the same bias
    if _is_pointwise(windows):
        dy_rows = dy.reshape(-1, d)
        dw = x.reshape(-1, x.shape[3]).T @ dy_rows
        dx = (dy_rows @ w_rows.T).reshape(x.shape) if need_dx else None
        return dx, dw.reshape(w.shape), db

    dw = xp.zeros_like(w_rows)
    padded = xp.zeros((x.shape[0], *windows.padded_size, x.shape[3]), dtype=x.dtype) if need_dx else None
    for images, rows, cols in _gathered(x, windows):
        dy_rows = dy[images, rows].reshape(-1, d)  # (n*rows*OW, D)   one row per patch
        dw += cols.T @ dy_rows  # (2) y = cols @ w   =>  dw = cols^T dy
        if need_dx:  # (3) and dcols = dy w^T, put back where the patches came from
            xp.matmul(dy_rows, w_rows.T, out=cols)  # the block of patches has served: its workspace takes dcols
            scatter_add(cols, padded, windows, images, rows)
    return (windows.crop(padded) if need_dx else None), dw.reshape(w.shape), db


def _gathered(x, windows):
    """Yield (images, rows, cols): the output in blocks, each with its patches (n*rows*OW, KH*KW*C) in one reused workspace."""
    xp = array_module(x)
    patches = windows.patches(windows.pad(x))
    workspace = None
    for images, rows in window_blocks(windows, xp, x.dtype.itemsize):
        block = patches[images, rows]
        if workspace is None:  # the first block is the largest
            workspace = xp.empty(block.size, dtype=x.dtype)
        yield images, rows, gather(block, workspace)


def _is_pointwise(windows):
    return windows.kernel == (1, 1) and windows.stride == (1, 1) and windows.padded_size == windows.x_shape[1:3]


def _check_arguments(x, w, b, algorithm):
    if x.ndim != 4 or w.ndim != 4 or x.shape[3] != w.shape[2]:
        raise ValueError(f"conv2d needs x (N, H, W, C) and w (KH, KW, C, D), got x {x.shape} and w {w.shape}")
    if b is not None and b.shape != (w.shape[3],):
        raise ValueError(f"conv2d: bias {b.shape} does not fit the {w.shape[3]} output channels of w {w.shape}")
    if algorithm not in ("auto", "im2col"):
        raise ValueError(f'conv2d: algorithm must be "auto" or "im2col", got {algorithm!r}')
