"""Winograd's matrices, and the transforms of tiles, M d M^T for each: one axis at a time, by products with views.

Down the rows of a map a tile row's cells lie W*C numbers apart: M times k rows of the map, as they stand in memory, is
one product for all tiles of the row, and nothing is gathered before.  Along a row a strip of s neighbouring tiles takes
one product with a band of M's, which for s = 3 is

    M . .
    . M .       each M moved STEP columns on: (s*m, STEP*(s - 1) + k), and what it is multiplied with is a view again.
    . . M

On a GPU one kernel does both axes (`engine/cuda/winograd.py`).

N batch, H W map, OH OW output map, C D channels in and out, n images and T = n*TH*TW tiles of a block (tiles.py).
"""

from typing import NamedTuple

import numpy as np

from minissd.device import array_module
from minissd.engine.algorithms.tiles import STEP
from minissd.engine.cpu.views import strided_view
from minissd.engine.cuda import on_card
from minissd.engine.runtime import loan

B_T = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
A_T = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])
TILE = len(B_T)  # cells of an input tile along an axis


class Transform(NamedTuple):
    """M (m, k) for both axes."""

    rows: object  # M itself
    columns: object  # M in a band, for a strip of tiles
    kernel: object  # what a GPU does instead

    @classmethod
    def of(cls, matrix, apart, tiling, like, kernel):
        """apart: columns from one M of the band to the next."""
        if on_card(like):
            return cls(None, None, kernel)
        (m, k), strip = matrix.shape, tiling.strip
        band = np.zeros((strip * m, apart * (strip - 1) + k))
        for i in range(strip):
            band[i * m : (i + 1) * m, i * apart : i * apart + k] = matrix
        return cls(matrix.astype(like.dtype), band.astype(like.dtype), kernel)


def into_tiles(transform, x, tiling, block, pads, scratch, places=slice(None)):
    """M d M^T of tiles d of k x k cells, STEP apart, zero where they leave the map -> (m, m, T, C).

    x: (N, H, W, C), contiguous; its first tile starts `pads` = (rows, columns) before its first cell.
    scratch: the loan of memory for the result.  places: which rows of M to take down the map, a slice.
    """
    if on_card(x):
        return _into_tiles_on_card(transform.kernel, x, tiling, block, pads)
    n, down, across = tiling.shape(block)
    matrix, band = transform.rows[places], transform.columns
    m, c, strips = len(matrix), x.shape[3], across // tiling.strip
    step, cells = STEP * tiling.strip, band.shape[1]  # from one strip to the next, and of one
    width = step * (strips - 1) + cells
    tiles = scratch((m, n * down, strips, len(band), c), x)
    with loan() as own:
        rows = own((m, n, down, width, c), x)
        down_the_rows(matrix, x, block, pads, rows)
        strides = n * down * width * c, width * c, step * c, c, 1
        strips_of = strided_view(rows, 0, (m, n * down, strips, cells, c), strides)
        np.matmul(band, strips_of, out=tiles)
    return tiles.reshape(m, n * down * across, -1, c).transpose(0, 2, 1, 3)


def out_of_tiles(transform, tiles, tiling, block, y):
    """M t M^T of transformed tiles t (k, k, T, D), in `room_for_results`, to their places in y (N, OH, OW, D)."""
    if on_card(y):
        transform.kernel(tiles, *_places(tiling, block, y.shape, (0, 0)), y, size=tiles[0, 0].size)
        return
    (n, down, across), d = tiling.shape(block), y.shape[3]
    matrix, band = transform.rows, transform.columns
    k, strips = matrix.shape[1], n * down * across // tiling.strip
    of_strips = tiles.transpose(0, 2, 1, 3).reshape(k, strips, band.shape[1], d)
    with loan() as scratch:
        rows = scratch((k, n, down, across * STEP, d), y)
        np.matmul(band, of_strips, out=rows.reshape(k, strips, len(band), d))
        up_to_the_map(matrix, rows, y[block.images, tiling.map_rows(block)])


def room_for_results(count, tiling, block, like, scratch):
    """Memory (k, k, T, count) of a loan of scratch, laid out as `out_of_tiles` wants it."""
    t, k = np.prod(tiling.shape(block)), TILE
    if on_card(like):
        return scratch((k, k, t, count), like)
    return scratch((k, t, k, count), like).transpose(0, 2, 1, 3)


def down_the_rows(matrix, x, block, pads, out):
    """M (m, k) times the k rows of cells of each row of tiles -> out (m, n, TH, width, C)."""
    xp, (m, k), (_, n, down, width, c) = array_module(x), matrix.shape, out.shape
    (top, left), (_, height, map_width, _) = pads, x.shape
    start = min(max(left, 0), width)  # the first column that is on the map, and the one behind the last
    stop = max(start, min(left + map_width, width))
    out[:, :, :, :start] = out[:, :, :, stop:] = 0
    numbers = (stop - start) * c
    for tiles, first in _runs_of_rows(block.rows, -top, k, height):
        here = range(max(first, 0), min(first + k, height))  # rows on the map
        if not here or not numbers:
            out[:, :, tiles] = 0
            continue
        count, row = tiles.stop - tiles.start, map_width * c
        offset = ((block.images.start * height + here.start) * map_width + start - left) * c
        cells = strided_view(x, offset, (n, count, len(here), numbers), (height * row, STEP * row, row, 1))
        offset, row = (tiles.start * width + start) * c, width * c
        to = strided_view(out, offset, (n, count, m, numbers), (down * row, row, n * down * row, 1))
        xp.matmul(matrix[:, here.start - first : here.stop - first], cells, out=to)


def _runs_of_rows(rows, first, k, height):
    """(slice of a block's rows of tiles, first row of cells) of runs that one product does; first: that of tile row 0.

    All rows of tiles whose cells lie on the map are one run; those that leave it are multiplied with a part of M.
    """
    whole = [row for row in range(rows.start, rows.stop) if 0 <= first + STEP * row <= height - k]
    for row in range(rows.start, rows.stop):
        if row not in whole[1:]:
            count = len(whole) if row in whole else 1
            yield slice(row - rows.start, row - rows.start + count), first + STEP * row


def up_to_the_map(matrix, rows, y):
    """M (m, k) times rows (k, n, TH, columns, D) -> y (n, up to TH*m, OW, D)."""
    xp, (m, k), (n, height, width, d), (_, _, down, _, _) = array_module(y), matrix.shape, y.shape, rows.shape
    row = rows.shape[3] * d
    view = strided_view(rows, 0, (n, down, k, width * d), (down * row, row, n * down * row, 1))
    whole = height // m
    with loan() as scratch:
        target = y if y[0, 0].flags.c_contiguous else scratch(y.shape, y)
        xp.matmul(matrix, view[:, :whole], out=target[:, : whole * m].reshape(n, whole, m, width * d))
        if whole < down:  # the last row of tiles hangs over the edge
            last = target[:, whole * m :].reshape(n, -1, width * d)
            xp.matmul(matrix[: height - whole * m], view[:, whole], out=last)
        if target is not y:
            y[...] = target


def _into_tiles_on_card(kernel, x, tiling, block, pads):
    k, places = TILE, _places(tiling, block, x.shape, pads)
    tiles = array_module(x).empty((k, k, int(np.prod(tiling.shape(block))), x.shape[3]), dtype=x.dtype)
    kernel(x, *places, tiles, size=tiles[0, 0].size)
    return tiles


def _places(tiling, block, map_shape, pads):
    """The numbers of PLACES in `engine/cuda/winograd.py`."""
    n, down, across = tiling.shape(block)
    first_row = STEP * block.rows.start - pads[0]
    return *map_shape[1:], n * down * across, down, across, block.images.start, first_row, -pads[1]
