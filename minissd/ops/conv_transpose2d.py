"""Transposed convolution: from a small map to a larger one (lecture, "Transposed convolution").

It is the adjoint of `conv2d` with the same w, stride and pad: as that takes maps (N, OH, OW, D) to (N, H, W, C),

    y[n, i*stride + ky - pad, j*stride + kx - pad, d] collects x[n, i, j, c] * w[ky, kx, d, c]
    <conv2d(a, w), x> = <a, conv_transpose2d(x, w)>     for all a and x

Seen as matrices, conv2d with these weights multiplies by some matrix and this by its transpose.  Hence its forward
pass is conv2d's gradient with respect to the input, and its gradient with respect to x is conv2d.

N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.
"""

from typing import NamedTuple

from minissd.ops.adjoint import adjoint
from minissd.ops.arguments import floats, gradient_of
from minissd.ops.conv2d import conv2d, conv2d_backward
from minissd.ops.geometry import pad_widths, pair
from minissd.ops.im2col import Windows


class ConvTranspose2dCache(NamedTuple):
    x: object  # (N, H, W, C)
    w: object  # (KH, KW, D, C)
    windows: Windows  # of conv2d, over y
    has_bias: bool


def conv_transpose2d(x, w, b=None, *, stride=1, pad=0):
    """x (N, H, W, C), w (KH, KW, D, C), b (D,) or None  ->  y (N, OH, OW, D), cache.

    OH = (H - 1) * stride + KH - pads: the smallest map that conv2d with this w, stride and pad makes (H, W) of.
    stride: int or pair.  pad: int, pair, ((top, bottom), (left, right)) or "same", cut off y as conv2d would add it.
    """
    floats("conv_transpose2d", x=x, w=w, b=b)
    _check_arguments(x, w, b)
    windows = Windows.over(_output_shape(x, w, stride, pad), w.shape[:2], stride, pad)
    y = adjoint(x, w, windows, lambda x, taps, pads: conv2d(x, taps.transpose(0, 1, 3, 2), pad=pads)[0])
    if b is not None:
        y = y + b
    return y, ConvTranspose2dCache(x, w, windows, b is not None)


def conv_transpose2d_backward(dy, cache):
    """Gradients of `conv_transpose2d`.  dy: (N, OH, OW, D)  ->  dx: (N, H, W, C), dw: (KH, KW, D, C), db: (D,).

    db is None where there was no b.
    """
    x, w, windows, has_bias = cache
    dy = gradient_of("conv_transpose2d", dy, windows.x_shape, x.dtype)
    dx, conv_cache = conv2d(dy, w, stride=windows.stride, pad=windows.pads)  # (1) the adjoint's adjoint
    _, dw, _ = conv2d_backward(x, conv_cache, need_dx=False)  # (2) <dy, y> = <conv2d(dy, w), x>, so as for conv2d
    db = dy.sum(axis=(0, 1, 2)) if has_bias else None  # (3) every position adds the same bias
    return dx, dw, db


def _output_shape(x, w, stride, pad):
    kernel = w.shape[:2]
    axes = zip(x.shape[1:3], kernel, pair(stride, "stride", 1), pad_widths(pad, kernel), strict=True)
    size = [(n - 1) * s + k - sum(pads) for n, k, s, pads in axes]
    if min(size) < 1:
        raise ValueError(f"conv_transpose2d: pad {pad!r} leaves nothing of the output of x {x.shape} and w {w.shape}")
    return x.shape[0], *size, w.shape[2]


def _check_arguments(x, w, b):
    if x.ndim != 4 or w.ndim != 4 or x.shape[3] != w.shape[3] or not w.size or 0 in x.shape[1:]:
        raise ValueError(f"conv_transpose2d needs x (N, H, W, C) and w (KH, KW, D, C), got x {x.shape} and w {w.shape}")
    if b is not None and b.shape != (w.shape[2],):
        raise ValueError(
            f"conv_transpose2d: bias {b.shape} does not fit the {w.shape[2]} output channels of w {w.shape}"
        )
