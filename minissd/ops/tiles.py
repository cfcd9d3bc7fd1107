"""Maps cut into the overlapping tiles that a Winograd convolution works on.

A 3x3 convolution at stride 1 makes each tile of 4x4 outputs from a tile of 6x6 inputs; neighbouring input tiles share
two rows or columns.  With dilation r, outputs whose rows (and columns) agree modulo r only ever see inputs that agree
modulo r too: the map falls apart into r*r interleaved grids, each with an ordinary dense convolution, and tiles are
cut from every grid.  A last tile may hang over the edge; what lies there is read as zero and not written.

N batch, H W map, OH OW output map, C D channels in and out, T tiles of a block, TH TW tiles in a grid's height and
width.
"""

import threading
from itertools import product
from math import prod
from typing import NamedTuple

from minissd.backend import array_module

STEP = 4  # outputs per tile and axis
MOST_UNUSED = 8  # times what is needed: the large kernels' memory is free again when the large maps need it


class Piece(NamedTuple):
    """Some rows of tiles of one interleaved grid, in a run of images."""

    grid: tuple  # (row, column) of the grid's first output, each 0..dilation - 1
    images: slice
    rows: slice  # of tiles


class Workspace(threading.local):
    """Named scratch arrays, each thread's own, that are used again by the next block and the next call.

    Fresh memory is slow memory: the system clears every page of it, which for the transformed filters of 512 to 512
    channels (38 MB) takes as long as the transform.  Nobody reads what an earlier call left.
    """

    def __init__(self):
        self._flat = {}

    def __call__(self, name, shape, like):
        """An uninitialised array; what an earlier call with this name returned is overwritten."""
        xp, key, size = array_module(like), (name, like.dtype), prod(shape)
        if xp.__name__ != "numpy":
            return xp.empty(shape, dtype=like.dtype)  # CuPy has such a pool itself
        held = self._flat[key].size if key in self._flat else 0
        if not size <= held <= MOST_UNUSED * size:
            self._flat.pop(key, None)  # free the old one first
            self._flat[key] = xp.empty(size, dtype=like.dtype)
        return self._flat[key][:size].reshape(shape)


scratch = Workspace()


class Tiling(NamedTuple):
    """How the outputs of a 3x3 convolution at stride 1 divide into tiles."""

    batch: int
    out: tuple  # (OH, OW)
    dilation: tuple

    @property
    def per_grid(self):
        """(TH, TW); the largest grid decides for all."""
        return tuple(-(-size // (r * STEP)) for size, r in zip(self.out, self.dilation, strict=True))

    @property
    def total(self):
        return self.batch * prod(self.dilation) * prod(self.per_grid)

    def shape(self, piece):
        """(n, TH, TW) tiles in a piece."""
        return piece.images.stop - piece.images.start, piece.rows.stop - piece.rows.start, self.per_grid[1]

    def count(self, block):
        """T, the number of tiles in a block."""
        return sum(prod(self.shape(piece)) for piece in block)

    def blocks(self, limit):
        """All tiles in lists of pieces, of at most `limit` tiles where a single row of tiles is not more already."""
        height, width = self.per_grid
        images = max(1, limit // (height * width))
        rows = max(1, min(height, limit // width))
        rows = -(-height // -(-height // rows))  # as many pieces, but equally high
        blocks, room = [], 0
        for grid in product(*map(range, self.dilation)):
            for i in range(0, self.batch, images):
                for r in range(0, height, rows):
                    piece = Piece(grid, slice(i, min(i + images, self.batch)), slice(r, min(r + rows, height)))
                    count = prod(self.shape(piece))
                    if count > room:
                        blocks.append([])
                        room = limit
                    blocks[-1].append(piece)
                    room -= count
        return blocks

    def gather(self, x, block, size, pads):
        """Tiles of size x size cells, STEP apart  ->  (size*size, T, C), zero where they leave the map.

        x: (N, H, W, C), in which the first tile starts `pads` = (rows, columns) before the first cell.
        """
        tiles = scratch("tiles", (size * size, self.count(block), x.shape[3]), x)
        for piece, part in self._parts(block, tiles, size):
            strip, (rows, from_rows), (columns, from_columns) = self._strip(piece, x, size, pads)
            strip[:, : rows.start] = strip[:, rows.stop :] = 0
            strip[:, :, : columns.start] = strip[:, :, columns.stop :] = 0
            strip[:, rows, columns] = x[piece.images, from_rows, from_columns]
            image, row, column, channel = strip.strides
            strides = row, column, image, STEP * row, STEP * column, channel
            part[...] = array_module(x).lib.stride_tricks.as_strided(strip, part.shape, strides)
        return tiles

    def scatter(self, tiles, y, block):
        """Write output tiles (STEP*STEP, T, D) to their places in y (N, OH, OW, D)."""
        for piece, part in self._parts(block, tiles, STEP):
            strip, (rows, to_rows), (columns, to_columns) = self._strip(piece, y, STEP, (0, 0))
            n, height, width, d = part.shape[2:]
            strip.reshape(n, height, STEP, width, STEP, d)[...] = part.transpose(2, 3, 0, 4, 1, 5)
            y[piece.images, to_rows, to_columns] = strip[:, rows, columns]

    def places(self, block, map_shape, pads):
        """For the kernels of `kernels/winograd.py`: (the numbers of PLACES, how many elements) of each piece.

        map_shape: (N, H, W, C) of the map, whose first tile starts `pads` = (rows, columns) before its first cell.
        """
        start, total = 0, self.count(block)
        for piece in block:
            _, down, across = self.shape(piece)
            first_row = piece.grid[0] - pads[0] + self.dilation[0] * STEP * piece.rows.start
            first = piece.images.start, first_row, piece.grid[1] - pads[1]
            count = self.count([piece])
            yield (*map_shape[1:], total, start, down, across, *first, *self.dilation), count * map_shape[3]
            start += count

    def _parts(self, block, tiles, size):
        """Each piece with its share of tiles (size*size, T, C), as a view (size, size, n, TH, TW, C)."""
        start = 0
        for piece in block:
            stop = start + self.count([piece])
            yield piece, tiles[:, start:stop].reshape(size, size, *self.shape(piece), tiles.shape[2])
            start = stop

    def _strip(self, piece, x, size, pads):
        """An array for the cells under a piece (n, rows, columns, C), then for each axis the slices of it and of x
        (N, H, W, C) that are the same cells."""
        n, *counts = self.shape(piece)
        lengths = [STEP * count + size - STEP for count in counts]
        axes = zip(piece.grid, pads, self.dilation, (piece.rows.start, 0), lengths, x.shape[1:3], strict=True)
        slices = (_clip(grid - pad + r * STEP * tile, r, length, cells) for grid, pad, r, tile, length, cells in axes)
        return scratch("strip", (n, *lengths, x.shape[3]), x), *slices


def _clip(first, step, count, size):
    """Which of `count` cells first, first + step, ... lie in 0..size - 1: (slice of the count, slice of the map)."""
    start = min(count, max(0, -(first // step)))
    stop = max(start, min(count, -((first - size) // step)))
    if stop == start:
        return slice(0, 0), slice(0, 0)
    return slice(start, stop), slice(first + step * start, first + step * (stop - 1) + 1, step)
