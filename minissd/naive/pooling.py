"""Max and mean pooling, one window at a time, and the way back up.

x (N, H, W, C) -> y (N, OH, OW, C).  A window holds the cells that lie on the map: what hangs over the edge
does not exist, so it can neither win a maximum nor count in a mean.
"""

import numpy as np

from minissd.naive.convolution import output_shape, taps


def max_pool2d(x, kernel, stride=None, pad=0, ceil_mode=False):
    y = _output(x, kernel, stride, pad, ceil_mode)
    for (n, i, j, c), cells in _windows(x, kernel, stride, pad, ceil_mode):
        y[n, i, j, c] = max(x[n, row, column, c] for row, column in cells)
    return y


def max_pool2d_backward(dy, x, kernel, stride=None, pad=0, ceil_mode=False):
    """Only the winner moves the output; of equal cells the first in reading order counts as the winner."""
    dx = np.zeros(x.shape)
    for (n, i, j, c), cells in _windows(x, kernel, stride, pad, ceil_mode):
        row, column = max(cells, key=lambda cell, n=n, c=c: x[n, cell[0], cell[1], c])
        dx[n, row, column, c] += dy[n, i, j, c]
    return dx


def avg_pool2d(x, kernel, stride=None, pad=0, ceil_mode=False):
    y = _output(x, kernel, stride, pad, ceil_mode)
    for (n, i, j, c), cells in _windows(x, kernel, stride, pad, ceil_mode):
        y[n, i, j, c] = sum(x[n, row, column, c] for row, column in cells) / len(cells)
    return y


def avg_pool2d_backward(dy, x, kernel, stride=None, pad=0, ceil_mode=False):
    dx = np.zeros(x.shape)
    for (n, i, j, c), cells in _windows(x, kernel, stride, pad, ceil_mode):
        for row, column in cells:
            dx[n, row, column, c] += dy[n, i, j, c] / len(cells)
    return dx


def global_avg_pool2d(x):
    """x (N, H, W, C) -> (N, C): one window, the whole map."""
    return avg_pool2d(x, x.shape[1:3])[:, 0, 0]


def upsample2d(x, factor):
    """x (N, H, W, C) -> (N, H*factor, W*factor, C): a new cell shows the old one it lies in."""
    n_images, height, width, channels = x.shape
    y = np.zeros((n_images, height * factor, width * factor, channels))
    for n, i, j, c in np.ndindex(y.shape):
        y[n, i, j, c] = x[n, i // factor, j // factor, c]
    return y


def _output(x, kernel, stride, pad, ceil_mode):
    n_images, *size, channels = x.shape
    return np.zeros((n_images, *output_shape(size, kernel, stride or kernel, pad, 1, ceil_mode), channels))


def _windows(x, kernel, stride, pad, ceil_mode):
    """Yield ((n, i, j, c), cells) for every output: its window's cells (row, column) on the map."""
    n_images, *size, channels = x.shape
    cells = {}
    for i, j, _, _, row, column in taps(size, kernel, stride or kernel, pad, 1, ceil_mode):
        cells.setdefault((i, j), []).append((row, column))
    for n in range(n_images):
        for (i, j), inside in cells.items():
            for c in range(channels):
                yield (n, i, j, c), inside
