"""Transposed convolution by the algorithms of `conv2d`, phase by phase; what it computes is in `minissd/ops`."""

from minissd.arguments import Cache, Pad, Pair, as_gradient
from minissd.device import Array
from minissd.engine.algorithms.adjoint import adjoint
from minissd.engine.convolution import conv2d, conv2d_backward
from minissd.ops.transposed_convolution import conv_transpose2d_windows


def conv_transpose2d(
    x: Array, w: Array, b: Array | None = None, *, stride: Pair = 1, pad: Pad = 0
) -> tuple[Array, Cache]:
    """As `minissd.ops.conv_transpose2d`: x (N, H, W, C), w (KH, KW, D, C), b (D,) -> y (N, OH, OW, D), cache."""
    windows = conv_transpose2d_windows(x, w, b, stride, pad)
    y = adjoint(x, w, windows, lambda x, taps, pads: conv2d(x, taps.transpose(0, 1, 3, 2), pad=pads)[0])
    if b is not None:
        y = y + b
    return y, (x, w, windows, b is not None)


def conv_transpose2d_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array | None]:
    """As `minissd.ops.conv_transpose2d_backward`: dy (N, OH, OW, D)  ->  dx, dw, db in the shapes of x, w, b."""
    x, w, windows, has_bias = cache
    dy = as_gradient("conv_transpose2d", dy, windows.x_shape, x.dtype)
    dx, conv_cache = conv2d(dy, w, stride=windows.stride, pad=windows.pads)  # (1) the adjoint's adjoint
    _, dw, _ = conv2d_backward(x, conv_cache, need_dx=False)  # (2) <dy, y> = <conv2d(dy, w), x>, so as for conv2d
    db = dy.sum(axis=(0, 1, 2)) if has_bias else None  # (3) every position adds the same bias
    return dx, dw, db
