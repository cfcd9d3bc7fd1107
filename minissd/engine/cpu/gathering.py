"""Patches of a map, gathered block by block, and columns put back the same way: im2col and col2im in pieces.

The whole matrix is never built: `window_blocks` cuts the output into pieces whose patches fit the cache; `gathering`
and `Scattering` do for one piece what im2col and col2im do for all.

N batch, H W input map, C channels, KH KW kernel, OH OW output map.
"""

from math import prod

import numpy as np

from minissd.device import array_module
from minissd.engine.cpu.threads import in_turns, runs, threads_for
from minissd.engine.cpu.views import strided_view
from minissd.engine.cuda import on_card
from minissd.engine.cuda.windows import COL2IM, IM2COL, MOST, geometry
from minissd.engine.runtime import empty
from minissd.engine.tuning import tuning_in_force


def pad(windows, x, value=0):
    """`windows.pad(x, value)`, on all cores and in scratch memory."""
    n, h, w, c = windows.x_shape
    rows, columns = windows.padded_size
    if (rows, columns) == (h, w):
        return x
    (top, _), (left, _) = windows.pads
    padded = empty((n, rows, columns, c), x)

    def fill(images):
        part = padded[images]
        part[:, top : top + h, left : left + w] = x[images]
        part[:, :top] = part[:, top + h :] = value  # the border alone: the rest would be written twice
        part[:, top : top + h, :left] = part[:, top : top + h, left + w :] = value

    copying = 16  # a number takes as long as so many multiply-adds
    xp = array_module(x)
    in_turns(fill, runs(n, threads_for(copying * padded.size, xp)), xp, products=False)
    return padded


def sliding(windows, padded):
    """Every window as a view (N, OH, OW, KH, KW, C) of the padded map, contiguous.  Do not write to it."""
    (n, height, width, c), (sy, sx), (dy, dx) = padded.shape, windows.stride, windows.dilation
    row = width * c
    shape = (n, *windows.out, *windows.kernel, c)
    return strided_view(padded, 0, shape, (height * row, sy * row, sx * c, dy * row, dx * c, 1))


def window_blocks(windows, xp, itemsize, threads=1):
    """Slices (images, output rows) that cover the output in pieces of about `im2col_block` bytes of patches.

    Smaller pieces where there would not be one for each of the threads.
    """
    n, (oh, ow) = windows.x_shape[0], windows.out
    row_bytes = ow * windows.kernel[0] * windows.kernel[1] * windows.x_shape[3] * itemsize
    sizes = tuning_in_force().sizes
    limit = sizes.im2col_block if xp is np else sizes.im2col_block_on_card
    rows = max(1, min(limit // row_bytes, -(-n * oh // threads)))
    images = max(1, rows // oh)
    for i in range(0, n, images):
        for r in range(0, oh, rows):
            yield slice(i, min(i + images, n)), slice(r, min(r + rows, oh))


def gathering(x, windows):
    """A function (images, rows) -> the patches (n*rows*OW, KH*KW*C) of a block, two slices, of x (N, H, W, C)."""
    xp, row_length = array_module(x), prod(windows.kernel) * windows.x_shape[3]
    x = xp.ascontiguousarray(x)
    map_is_matrix = windows.kernel == windows.stride == (1, 1) and windows.out == windows.x_shape[1:3]
    if on_card(x) and not map_is_matrix:
        return lambda images, rows: _gather_on_card(x, windows, images, rows)
    patches = sliding(windows, pad(windows, x))
    return lambda images, rows: patches[images, rows].reshape(-1, row_length)  # copies, unless the map is the matrix


def _gather_on_card(x, windows, images, rows):
    """As `gathering` says.  Channels are moved as numbers of 8 bytes where they come in such: nobody looks at them."""
    xp, itemsize, channels = array_module(x), x.dtype.itemsize, windows.x_shape[3]
    moved = np.dtype(np.float64) if channels * itemsize % 8 == 0 else x.dtype
    words = channels * itemsize // moved.itemsize
    images, rows = range(*images.indices(len(x))), range(*rows.indices(windows.out[0]))
    cols = xp.empty((len(images) * len(rows) * windows.out[1], prod(windows.kernel) * words), dtype=moved)
    if cols.size >= MOST:
        raise ValueError(f"im2col: {cols.size:,} numbers are too many for one matrix on a GPU: take fewer images")
    if cols.size:
        of_block = x[images.start : images.stop].view(moved)
        IM2COL(of_block, *geometry(windows, words), rows.start, len(rows), cols)
    return cols.view(x.dtype)


class Scattering:
    """The sum (N, H, W, C) of columns that are put back, block by block, where they were gathered from."""

    def __init__(self, windows, like):
        """like: an array of the dtype and on the device of the columns."""
        n, height, width, c = windows.x_shape
        size = (height, width) if on_card(like) else windows.padded_size
        self.windows = windows
        self.sums = array_module(like).zeros((n, *size, c), dtype=like.dtype)

    def add(self, cols, images, rows):
        """A block of columns (n*rows*OW, KH*KW*C): slices of the images and of the rows of the output."""
        if not on_card(cols):
            scatter_add(cols, self.sums, self.windows, images, rows)
        elif self.sums.size >= MOST:
            raise ValueError(f"col2im: {self.sums.size:,} numbers are too many for a GPU: take fewer images")
        else:
            cols = array_module(cols).ascontiguousarray(cols)
            COL2IM(cols, *geometry(self.windows), rows.start, rows.stop - rows.start, self.sums[images])

    def total(self):
        return self.sums if on_card(self.sums) else self.windows.crop(self.sums)


def scatter_add(cols, padded, windows, images, rows):
    """Add a block of columns (n*rows*OW, KH*KW*C) back to the places of the padded map they were gathered from."""
    kh, kw = windows.kernel
    count = rows.stop - rows.start
    cols = cols.reshape(images.stop - images.start, count, windows.out[1], kh, kw, -1)
    (sy, sx), (dy, dx) = windows.stride, windows.dilation
    span = (windows.out[1] - 1) * sx + 1
    for ky, kx in windows.taps():
        top, left = rows.start * sy + ky * dy, kx * dx
        padded[images, top : top + (count - 1) * sy + 1 : sy, left : left + span : sx] += cols[:, :, :, ky, kx]
