"""Convolution: the kernel slides over the map, and every position is a dot product of a patch and the kernel.

What networks call convolution is cross-correlation: the kernel is not flipped.  x is 0 outside of the map.
    y[n, i, j, d] = b[d] + sum over ky, kx, c of
                    x[n, i*stride + ky*dilation - pad, j*stride + kx*dilation - pad, c] * w[ky, kx, c, d]

With the patches as the rows of a matrix (patches.py) all these dot products are one matrix product.
N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.
"""

from minissd.arguments import Cache, Pad, Pair, as_gradient, module_of
from minissd.device import Array, array_module
from minissd.ops.patches import add_patches, patches
from minissd.ops.windows import Windows


def conv2d(
    x: Array, w: Array, b: Array | None = None, *, stride: Pair = 1, pad: Pad = 0, dilation: Pair = 1
) -> tuple[Array, Cache]:
    """Cross-correlate x (N, H, W, C) with w (KH, KW, C, D), add b (D,) or None  ->  y (N, OH, OW, D), cache.

    stride, dilation: int or (vertical, horizontal).  pad: int, pair, ((top, bottom), (left, right)) or "same".
    dilation r > 1 is the atrous convolution: r - 1 holes between the cells of a window.
    """
    windows = conv2d_windows(x, w, b, stride, pad, dilation)
    cols = patches(x, windows)  # (N*OH*OW, KH*KW*C)   one row per patch
    y = cols @ w.reshape(-1, w.shape[3])  # (N*OH*OW, D)   every output is a dot product of a patch and a kernel
    if b is not None:
        y += b
    return y.reshape(len(x), *windows.out, w.shape[3]), (x, w, windows, b is not None)


def conv2d_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array | None]:
    """Gradients of `conv2d`.  dy: (N, OH, OW, D)  ->  dx: (N, H, W, C), dw: (KH, KW, C, D), db: (D,) or None."""
    x, w, windows, has_bias = cache
    array_module(dy, x, w)  # TypeError where they lie on two devices
    dy = as_gradient("conv2d", dy, (len(x), *windows.out, w.shape[3]), x.dtype)
    cols = patches(x, windows)  # once more: a cache that held them would be KH*KW times as large as x
    dy_rows = dy.reshape(-1, w.shape[3])  # (N*OH*OW, D)   one row per patch
    db = dy_rows.sum(axis=0) if has_bias else None  # (1) every position adds the same bias
    dw = (cols.T @ dy_rows).reshape(w.shape)  # (2) y = cols @ w  =>  dw = cols^T dy
    dcols = dy_rows @ w.reshape(-1, w.shape[3]).T  # (3) and dcols = dy w^T, (N*OH*OW, KH*KW*C)
    return add_patches(dcols, windows), dw, db  # a cell gets the sum over all patches that it is in


def conv2d_windows(x: Array, w: Array, b: Array | None, stride: Pair, pad: Pad, dilation: Pair) -> Windows:
    """The Windows of a convolution, once its arguments fit together."""
    module_of("conv2d", x=x, w=w, b=b)
    if x.ndim != 4 or w.ndim != 4 or x.shape[3] != w.shape[2] or not w.size:
        raise ValueError(f"conv2d needs x (N, H, W, C) and w (KH, KW, C, D), got x {x.shape} and w {w.shape}")
    if b is not None and b.shape != (w.shape[3],):
        raise ValueError(f"conv2d: bias {b.shape} does not fit the {w.shape[3]} output channels of w {w.shape}")
    return Windows.over(x.shape, w.shape[:2], stride, pad, dilation)
