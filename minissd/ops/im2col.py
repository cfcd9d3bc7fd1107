"""im2col and its adjoint col2im: a convolution becomes one matrix product.

N batch, H W input map, C channels, KH KW kernel, OH OW output map (lecture, "Convolution as a matrix product";
its example reads in column-major order, here rows run over (image, row, column) and columns over (ky, kx, c)).

The convolution itself never builds the whole matrix: `window_blocks` cuts the output into pieces whose patches fit
the cache; `gathering` and `scatter_add` do for one piece what im2col and col2im do for all.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from minissd.backend import array_module
from minissd.kernels import on_card
from minissd.kernels.windows import COL2IM, IM2COL, MOST, geometry
from minissd.ops.arguments import FLOATS
from minissd.ops.geometry import effective_kernel, output_shape, pad_widths, pair, whole
from minissd.ops.threads import in_turns, runs, threads_for
from minissd.ops.views import strided_view
from minissd.ops.workspace import empty

# Patches gathered at a time.  On a CPU they should still lie in the cache when the product reads them
# (1 to 4 MiB measured alike); on a card large pieces keep all of it busy (the size there is not measured).
BLOCK_BYTES = {"numpy": 2 << 20, "cupy": 1 << 28}


@dataclass(frozen=True)
class Windows:
    """Where a kernel's windows lie on a batch of maps: all numbers a convolution or pooling needs."""

    x_shape: tuple  # (N, H, W, C)
    kernel: tuple  # (KH, KW)
    stride: tuple
    pads: tuple  # ((top, bottom), (left, right))
    dilation: tuple
    out: tuple  # (OH, OW)

    @classmethod
    def over(cls, x_shape, kernel, stride=1, pad=0, dilation=1, *, ceil_mode=False):
        x_shape = tuple(whole(size, "a size of x") for size in x_shape)
        if len(x_shape) != 4 or 0 in x_shape[1:]:
            raise ValueError(f"expected a batch of maps (N, H, W, C), with cells and channels, got shape {x_shape}")
        kernel, stride = pair(kernel, "kernel", 1), pair(stride, "stride", 1)
        dilation = pair(dilation, "dilation", 1)
        pads = pad_widths(pad, kernel, dilation)
        out = output_shape(*x_shape[1:3], kernel, stride, pads, dilation, ceil_mode=ceil_mode)
        return cls(x_shape, kernel, stride, pads, dilation, out)

    @property
    def padded_size(self):
        """(rows, columns) the windows reach over: at least the padded map, more where ceil_mode overhangs."""
        return tuple(
            max(n + sum(p), (o - 1) * s + effective_kernel(k, d))
            for n, p, o, s, k, d in zip(
                self.x_shape[1:3], self.pads, self.out, self.stride, self.kernel, self.dilation, strict=True
            )
        )

    def pad(self, x, value=0):
        """x (N, H, W, C) with its border filled by `value` -> (N, *padded_size, C); x itself if there is none."""
        n, h, w, c = self.x_shape
        rows, columns = self.padded_size
        if (rows, columns) == (h, w):
            return x
        (top, _), (left, _) = self.pads
        padded = empty((n, rows, columns, c), x)

        def fill(images):
            part = padded[images]
            part[:, top : top + h, left : left + w] = x[images]
            part[:, :top] = part[:, top + h :] = value  # the border alone: the rest would be written twice
            part[:, top : top + h, :left] = part[:, top : top + h, left + w :] = value

        copying = 16  # a number takes as long as so many multiply-adds
        in_turns(fill, runs(n, threads_for(copying * padded.size, array_module(x))), array_module(x))
        return padded

    def crop(self, padded):
        """The inner (N, H, W, C) of a padded map: undoes `pad`."""
        (top, _), (left, _) = self.pads
        return padded[:, top : top + self.x_shape[1], left : left + self.x_shape[2]]

    def tap(self, padded, ky, kx):
        """What tap (ky, kx) of every window sees: a strided view (N, OH, OW, C) of the padded map."""
        y, x = ky * self.dilation[0], kx * self.dilation[1]
        (sy, sx), (oh, ow) = self.stride, self.out
        return padded[:, y : y + (oh - 1) * sy + 1 : sy, x : x + (ow - 1) * sx + 1 : sx]

    def taps(self):
        """All (ky, kx), row by row."""
        return [(ky, kx) for ky in range(self.kernel[0]) for kx in range(self.kernel[1])]

    def patches(self, padded):
        """Every window as a view (N, OH, OW, KH, KW, C) of the padded map, contiguous.  Do not write to it."""
        (n, height, width, c), (sy, sx), (dy, dx) = padded.shape, self.stride, self.dilation
        row = width * c
        shape = (n, *self.out, *self.kernel, c)
        return strided_view(padded, 0, shape, (height * row, sy * row, sx * c, dy * row, dx * c, 1))


def window_blocks(windows, xp, itemsize, threads=1):
    """Slices (images, output rows) that cover the output in pieces of about BLOCK_BYTES of patches.

    Smaller pieces where there would not be one for each of the threads.
    """
    n, (oh, ow) = windows.x_shape[0], windows.out
    row_bytes = ow * windows.kernel[0] * windows.kernel[1] * windows.x_shape[3] * itemsize
    rows = max(1, min(BLOCK_BYTES[xp.__name__] // row_bytes, -(-n * oh // threads)))
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
    patches = windows.patches(windows.pad(x))
    return lambda images, rows: patches[images, rows].reshape(-1, row_length)  # copies, unless the map is the matrix


def _gather_on_card(x, windows, images, rows):
    """As `gathering` says.  Channels are moved as numbers of 8 bytes where they come in such: nobody looks at them."""
    xp, itemsize, channels = array_module(x), x.dtype.itemsize, windows.x_shape[3]
    moved = np.dtype(np.float64) if channels * itemsize % 8 == 0 else x.dtype
    words = channels * itemsize // moved.itemsize
    images, rows = range(*images.indices(len(x))), range(*rows.indices(windows.out[0]))
    cols = xp.empty((len(images) * len(rows) * windows.out[1], prod(windows.kernel) * words), dtype=moved)
    if cols.size >= MOST:
        raise ValueError(f"im2col: {cols.size:,} numbers are too many for one matrix on a card: take fewer images")
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
            raise ValueError(f"col2im: {self.sums.size:,} numbers are too many for a card: take fewer images")
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


def im2col(x, kernel, stride=1, pad=0, dilation=1):
    """All patches of x (N, H, W, C) as the rows of a matrix (N*OH*OW, KH*KW*C).  x: any numbers, they only move."""
    windows = Windows.over(x.shape, kernel, stride, pad, dilation)
    return gathering(x, windows)(slice(0, len(x)), slice(0, windows.out[0]))


def col2im(cols, x_shape, kernel, stride=1, pad=0, dilation=1):
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
    back = Scattering(windows, cols)
    back.add(cols, slice(0, n), slice(0, windows.out[0]))
    return back.total()
