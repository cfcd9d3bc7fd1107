"""Transposed convolution: from a small map to a larger one.

It is the adjoint of the `conv2d` with the same w, stride and pad, which takes maps (N, OH, OW, D) to (N, H, W, C):

    y[n, i*stride + ky - pad, j*stride + kx - pad, d] collects x[n, i, j, c] * w[ky, kx, d, c]
    <conv2d(a, w), x> = <a, conv_transpose2d(x, w)>     for all a and x

Seen as matrices, conv2d with these weights multiplies by some matrix and this by its transpose.  Hence its forward
pass is conv2d's gradient with respect to the input, and its gradient with respect to x is conv2d.

N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.
"""

from minissd.arguments import Cache, Pad, Pair, as_gradient, module_of
from minissd.device import Array, array_module
from minissd.ops.geometry import pad_widths, pair
from minissd.ops.patches import add_patches, patches
from minissd.ops.windows import Windows


def conv_transpose2d(
    x: Array, w: Array, b: Array | None = None, *, stride: Pair = 1, pad: Pad = 0
) -> tuple[Array, Cache]:
    """x (N, H, W, C), w (KH, KW, D, C), b (D,) or None  ->  y (N, OH, OW, D), cache.

    OH = (H - 1) * stride + KH - top - bottom: the smallest map of which conv2d makes one of H rows.
    stride: int or pair.  pad: int, pair, ((top, bottom), (left, right)) or "same": cut off y where conv2d would add it.
    """
    windows = conv_transpose2d_windows(x, w, b, stride, pad)
    c = x.shape[3]
    cols = x.reshape(-1, c) @ w.reshape(-1, c).T  # (N*H*W, KH*KW*D)   what each cell of x adds to its window of y
    y = add_patches(cols, windows)
    if b is not None:
        y = y + b
    return y, (x, w, windows, b is not None)


def conv_transpose2d_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array | None]:
    """Gradients.  dy: (N, OH, OW, D)  ->  dx: (N, H, W, C), dw: (KH, KW, D, C), db: (D,) or None."""
    x, w, windows, has_bias = cache  # windows: of conv2d, over y
    array_module(dy, x, w)  # TypeError where they lie on two devices
    dy = as_gradient("conv_transpose2d", dy, windows.x_shape, x.dtype)
    c = x.shape[3]
    db = dy.sum(axis=(0, 1, 2)) if has_bias else None  # (1) every position adds the same bias
    dcols = patches(dy, windows)  # (N*H*W, KH*KW*D)   the window of dy that each cell of x was added to
    dw = (dcols.T @ x.reshape(-1, c)).reshape(w.shape)  # (2) cols = x w^T  =>  dw = dcols^T x
    dx = (dcols @ w.reshape(-1, c)).reshape(x.shape)  # (3) and dx = dcols w
    return dx, dw, db


def conv_transpose2d_windows(x: Array, w: Array, b: Array | None, stride: Pair, pad: Pad) -> Windows:
    """The Windows of the convolution back, over y, once the arguments fit together."""
    module_of("conv_transpose2d", x=x, w=w, b=b)
    if x.ndim != 4 or w.ndim != 4 or x.shape[3] != w.shape[3] or not w.size or 0 in x.shape[1:]:
        raise ValueError(f"conv_transpose2d needs x (N, H, W, C) and w (KH, KW, D, C), got x {x.shape} and w {w.shape}")
    if b is not None and b.shape != (w.shape[2],):
        raise ValueError(
            f"conv_transpose2d: bias {b.shape} does not fit the {w.shape[2]} output channels of w {w.shape}"
        )
    kernel = w.shape[:2]
    axes = zip(x.shape[1:3], kernel, pair(stride, "stride", 1), pad_widths(pad, kernel), strict=True)
    size = [(n - 1) * s + k - sum(pads) for n, k, s, pads in axes]
    if min(size) < 1:
        raise ValueError(f"conv_transpose2d: pad {pad!r} leaves nothing of the output of x {x.shape} and w {w.shape}")
    return Windows.over((len(x), *size, w.shape[2]), kernel, stride, pad)
