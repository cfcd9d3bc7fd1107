"""Depthwise convolution: every channel is convolved with a kernel of its own, and none is mixed with another.

    y[n, i, j, c] = b[c] + sum over ky, kx of
                    x[n, i*stride + ky*dilation - pad, j*stride + kx*dilation - pad, c] * w[ky, kx, c]

A pointwise (1x1) convolution behind it mixes the channels: together they make the depthwise separable convolution,
which needs KH*KW*C + C*D weights for D outputs where an ordinary one needs KH*KW*C*D.

N batch, H W input map, C channels, KH KW kernel, OH OW output map.
"""

from minissd.arguments import Cache, Pad, Pair, as_gradient, module_of
from minissd.device import Array, array_module
from minissd.ops.windows import Windows


def depthwise_conv2d(
    x: Array, w: Array, b: Array | None = None, *, stride: Pair = 1, pad: Pad = 0, dilation: Pair = 1
) -> tuple[Array, Cache]:
    """x (N, H, W, C), w (KH, KW, C), b (C,) or None  ->  y (N, OH, OW, C), cache.

    stride, dilation: int or (vertical, horizontal).  pad: int, pair, ((top, bottom), (left, right)) or "same".
    """
    windows = depthwise_windows(x, w, b, stride, pad, dilation)
    padded = windows.pad(x)
    y = sum(windows.tap(padded, ky, kx) * w[ky, kx] for ky, kx in windows.taps())
    if b is not None:
        y += b
    return y, (x, w, windows, b is not None)


def depthwise_conv2d_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array | None]:
    """Gradients of `depthwise_conv2d`.  dy: (N, OH, OW, C)  ->  dx: (N, H, W, C), dw: (KH, KW, C), db: (C,) or None."""
    x, w, windows, has_bias = cache
    xp, padded = array_module(dy, x, w), windows.pad(x)
    dy = as_gradient("depthwise_conv2d", dy, (len(x), *windows.out, x.shape[3]), x.dtype)
    dw, d_padded = xp.empty_like(w), xp.zeros_like(padded)
    db = dy.sum(axis=(0, 1, 2)) if has_bias else None  # (1) every position adds the same bias
    for ky, kx in windows.taps():
        cells = windows.tap(padded, ky, kx)  # (N, OH, OW, C): what this weight is multiplied by
        dw[ky, kx] = (cells * dy).sum(axis=(0, 1, 2))  # (2) summed over all positions
        d_cells = windows.tap(d_padded, ky, kx)  # a view
        d_cells += dy * w[ky, kx]  # (3) a cell gets the sum over all windows that it is in
    return windows.crop(d_padded), dw, db


def depthwise_windows(x: Array, w: Array, b: Array | None, stride: Pair, pad: Pad, dilation: Pair) -> Windows:
    """The Windows of a depthwise convolution, once its arguments fit together."""
    module_of("depthwise_conv2d", x=x, w=w, b=b)
    if x.ndim != 4 or w.ndim != 3 or x.shape[3] != w.shape[2] or not w.size:
        raise ValueError(f"depthwise_conv2d needs x (N, H, W, C) and w (KH, KW, C), got x {x.shape} and w {w.shape}")
    if b is not None and b.shape != (w.shape[2],):
        raise ValueError(f"depthwise_conv2d: bias {b.shape} does not fit the {w.shape[2]} channels of w {w.shape}")
    return Windows.over(x.shape, w.shape[:2], stride, pad, dilation)
