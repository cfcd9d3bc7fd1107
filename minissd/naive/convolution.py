"""Convolution as nested loops, straight from the formula.

N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.  A tap that falls outside
the map meets a zero, so it is passed over; nothing is ever padded.  Results are float64 whatever comes in.
"""

import numpy as np


def extent(k, dilation):
    """k_eff: cells from the first to the last of k taps that are `dilation` apart."""
    return (k - 1) * dilation + 1


def pad_widths(pad, kernel, dilation=1):
    """((top, bottom), (left, right)).  "same": floor((k - 1) / 2) before and floor(k / 2) after."""
    if isinstance(pad, str):
        extents = [extent(k, r) for k, r in zip(both(kernel), both(dilation), strict=True)]
        return tuple(((k - 1) // 2, k // 2) for k in extents)
    return tuple(both(side) for side in both(pad))


def output_size(n, k, stride=1, pad=0, dilation=1, ceil_mode=False):
    """Number of windows on n cells, found by placing one after the other.

    With ceil_mode (pads smaller than the window) a last one may hang over the end, to cover cells left over,
    if it does not start in the trailing pad.
    """
    before, after = both(pad)
    end = before + n + after
    if extent(k, dilation) > end and ceil_mode:
        return 1
    if extent(k, dilation) > end:
        raise ValueError(f"a window of {extent(k, dilation)} cells does not fit into {end}")
    start, count = 0, 0
    while start + extent(k, dilation) <= end:
        start += stride
        count += 1
    cells_left_over = start - stride + extent(k, dilation) < end
    return count + 1 if ceil_mode and cells_left_over and start < before + n else count


def taps(size, kernel, stride=1, pad=0, dilation=1, ceil_mode=False):
    """Every tap of every window that lands on a map of `size` (H, W): lists of (i, j, ky, kx, row, column).

    Tap (ky, kx) of window (i, j) reads the cell (row, column) = (i stride + ky dilation - top, ...).
    """
    (sy, sx), (ry, rx) = both(stride), both(dilation)
    (kh, kw), ((top, _), (left, _)) = both(kernel), pad_widths(pad, kernel, dilation)
    oh, ow = output_shape(size, kernel, stride, pad, dilation, ceil_mode)
    found = []
    for i in range(oh):
        for j in range(ow):
            for ky in range(kh):
                for kx in range(kw):
                    row, column = i * sy + ky * ry - top, j * sx + kx * rx - left
                    if 0 <= row < size[0] and 0 <= column < size[1]:
                        found.append((i, j, ky, kx, row, column))
    return found


def output_shape(size, kernel, stride=1, pad=0, dilation=1, ceil_mode=False):
    """(OH, OW)."""
    pads = pad_widths(pad, kernel, dilation)
    axes = zip(size, both(kernel), both(stride), pads, both(dilation), strict=True)
    return tuple(output_size(*axis, ceil_mode) for axis in axes)


def im2col(x, kernel, stride=1, pad=0, dilation=1):
    """x (N, H, W, C) -> (N*OH*OW, KH*KW*C): row (n, i, j) holds a window's cells in the order (ky, kx, c)."""
    n_images, *size, channels = x.shape
    (kh, kw), (oh, ow) = both(kernel), output_shape(size, kernel, stride, pad, dilation)
    cols = np.zeros((n_images * oh * ow, kh * kw * channels))
    for n in range(n_images):
        for i, j, ky, kx, row, column in taps(size, kernel, stride, pad, dilation):
            for c in range(channels):
                cols[(n * oh + i) * ow + j, (ky * kw + kx) * channels + c] = x[n, row, column, c]
    return cols


def col2im(cols, x_shape, kernel, stride=1, pad=0, dilation=1):
    """The adjoint: every entry of cols is added to the cell that im2col read it from -> (N, H, W, C)."""
    n_images, *size, channels = x_shape
    (_, kw), (oh, ow) = both(kernel), output_shape(size, kernel, stride, pad, dilation)
    x = np.zeros(x_shape)
    for n in range(n_images):
        for i, j, ky, kx, row, column in taps(size, kernel, stride, pad, dilation):
            for c in range(channels):
                x[n, row, column, c] += cols[(n * oh + i) * ow + j, (ky * kw + kx) * channels + c]
    return x


def conv2d(x, w, b=None, stride=1, pad=0, dilation=1):
    """x (N, H, W, C), w (KH, KW, C, D), b (D,) or None -> y (N, OH, OW, D)."""
    n_images, *size, channels = x.shape
    kernel, filters = w.shape[:2], w.shape[3]
    y = np.zeros((n_images, *output_shape(size, kernel, stride, pad, dilation), filters))
    if b is not None:
        y += b
    for n in range(n_images):
        for i, j, ky, kx, row, column in taps(size, kernel, stride, pad, dilation):
            for c in range(channels):
                for d in range(filters):
                    y[n, i, j, d] += x[n, row, column, c] * w[ky, kx, c, d]
    return y


def conv2d_backward(dy, x, w, stride=1, pad=0, dilation=1):
    """dy (N, OH, OW, D) -> dx, dw, db.  Every product x w of the forward loop sends dy w to x, dy x to w."""
    n_images, *size, channels = x.shape
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[3])
    for n, i, j, d in np.ndindex(dy.shape):
        db[d] += dy[n, i, j, d]
    for n in range(n_images):
        for i, j, ky, kx, row, column in taps(size, w.shape[:2], stride, pad, dilation):
            for c in range(channels):
                for d in range(w.shape[3]):
                    dx[n, row, column, c] += dy[n, i, j, d] * w[ky, kx, c, d]
                    dw[ky, kx, c, d] += dy[n, i, j, d] * x[n, row, column, c]
    return dx, dw, db


def depthwise_conv2d(x, w, b=None, stride=1, pad=0, dilation=1):
    """x (N, H, W, C), w (KH, KW, C), b (C,) or None -> y (N, OH, OW, C): channel c meets only its own kernel."""
    n_images, *size, channels = x.shape
    kernel = w.shape[:2]
    y = np.zeros((n_images, *output_shape(size, kernel, stride, pad, dilation), channels))
    if b is not None:
        y += b
    for n in range(n_images):
        for i, j, ky, kx, row, column in taps(size, kernel, stride, pad, dilation):
            for c in range(channels):
                y[n, i, j, c] += x[n, row, column, c] * w[ky, kx, c]
    return y


def depthwise_conv2d_backward(dy, x, w, stride=1, pad=0, dilation=1):
    """dy (N, OH, OW, C) -> dx, dw, db."""
    n_images, *size, channels = x.shape
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(channels)
    for n, i, j, c in np.ndindex(dy.shape):
        db[c] += dy[n, i, j, c]
    for n in range(n_images):
        for i, j, ky, kx, row, column in taps(size, w.shape[:2], stride, pad, dilation):
            for c in range(channels):
                dx[n, row, column, c] += dy[n, i, j, c] * w[ky, kx, c]
                dw[ky, kx, c] += dy[n, i, j, c] * x[n, row, column, c]
    return dx, dw, db


def conv_transpose2d(x, w, b=None, stride=1, pad=0):
    """x (N, H, W, C), w (KH, KW, D, C), b (D,) or None -> y (N, OH, OW, D).

    conv2d with the same w reads y and writes x; here every x is put, times w, on the cells that conv2d reads it from.
    """
    n_images, *size, channels = x.shape
    (kh, kw), filters = w.shape[:2], w.shape[2]
    axes = zip(size, (kh, kw), both(stride), pad_widths(pad, (kh, kw)), strict=True)
    y_size = [(n - 1) * s + k - before - after for n, k, s, (before, after) in axes]
    y = np.zeros((n_images, *y_size, filters))
    if b is not None:
        y += b
    for n in range(n_images):
        for i, j, ky, kx, row, column in taps(y_size, (kh, kw), stride, pad):
            for c in range(channels):
                for d in range(filters):
                    y[n, row, column, d] += x[n, i, j, c] * w[ky, kx, d, c]
    return y


def both(value):
    """(vertical, horizontal) from one number or two."""
    return (value, value) if isinstance(value, int) else tuple(value)
