"""im2col and its adjoint col2im: a convolution becomes one matrix product.

Rows run over (image, row, column) of the output, columns over (ky, kx, channel) of a window.

N batch, H W input map, C channels, KH KW kernel, OH OW output map.
"""

from collections.abc import Sequence

import numpy as np

from minissd.arguments import FLOATS, Pad, Pair
from minissd.device import Array, array_module
from minissd.ops.windows import Windows


def im2col(x: Array, kernel: Pair, stride: Pair = 1, pad: Pad = 0, dilation: Pair = 1) -> Array:
    """All patches of x (N, H, W, C) as the rows of a matrix (N*OH*OW, KH*KW*C).  x: any numbers, they only move."""
    return patches(x, Windows.over(x.shape, kernel, stride, pad, dilation))


def col2im(
    cols: Array, x_shape: Sequence[int], kernel: Pair, stride: Pair = 1, pad: Pad = 0, dilation: Pair = 1
) -> Array:
    """The adjoint of im2col: every entry of cols is added to the cell it came from -> (N, H, W, C).

    <im2col(x), cols> = <x, col2im(cols)> for all x and cols; so this is how gradients flow back through patches.
    """
    if cols.dtype not in (*FLOATS, np.int64):  # sums of smaller integers wrap
        raise TypeError(f"col2im adds up float32, float64 or int64, got {cols.dtype}: convert with astype")
    windows = Windows.over(x_shape, kernel, stride, pad, dilation)
    n, _, _, c = windows.x_shape
    expected = (n * windows.out[0] * windows.out[1], windows.kernel[0] * windows.kernel[1] * c)
    if cols.shape != expected:
        raise ValueError(f"cols has shape {cols.shape}, but these windows over {tuple(x_shape)} give {expected}")
    return add_patches(cols, windows)


def patches(x: Array, windows: Windows) -> Array:
    """`im2col` of windows that are known: x (N, H, W, C) -> (N*OH*OW, KH*KW*C)."""
    padded = windows.pad(x)
    cells = [windows.tap(padded, ky, kx) for ky, kx in windows.taps()]  # a view (N, OH, OW, C) for each kernel position
    return array_module(x).stack(cells, axis=3).reshape(-1, len(cells) * x.shape[3])


def add_patches(cols: Array, windows: Windows) -> Array:
    """`col2im` of windows that are known: cols (N*OH*OW, KH*KW*C) -> (N, H, W, C)."""
    (n, _, _, c), taps = windows.x_shape, windows.taps()
    cols = cols.reshape(n, *windows.out, len(taps), c)
    padded = array_module(cols).zeros((n, *windows.padded_size, c), dtype=cols.dtype)
    for i, (ky, kx) in enumerate(taps):
        cells = windows.tap(padded, ky, kx)  # a view: the cell under position (ky, kx) of every window
        cells += cols[..., i, :]
    return windows.crop(padded)
