"""Winograd's convolution F(4x4, 3x3): a quarter of the multiplications of a 3x3 convolution at stride 1.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016).  Four outputs of a correlation with three
taps, y_i = sum_k d_{i+k} g_k, depend on six inputs.  They take six products instead of twelve (Toom and Cook: a
product of polynomials is known from its values at six points, here 0, 1, -1, 2, -2 and infinity):
    y = A^T [(G g) * (B^T d)],    in two dimensions    Y = A^T [(G g G^T) * (B^T d B)] A,
36 products for 16 outputs where the definition has 144.  Summed over input channels, each of the 36 places becomes a
matrix product (T, C) (C, D).  The gradients follow, for Y is linear in d and in g:
    dg = G^T [(B^T d B) * (A dY A^T)] G, summed over tiles;    dx is the convolution of dy with the mirrored kernel.

B^T d B is one matrix product as well, of kron(B^T, B^T) with the 36 cells of all tiles.  That is more arithmetic than
one axis at a time, additions alone, but BLAS does it, and at no size did it measure slower.

C D channels in and out, T tiles of a block (tiles.py), 36 = 6*6 places of a transformed tile.
"""

import weakref
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from minissd.backend import array_module
from minissd.kernels import on_card
from minissd.kernels.winograd import into_tiles, out_of_tiles
from minissd.ops.threads import in_shares, runs, threads_for
from minissd.ops.tiles import STEP, Tiling, scratch

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
INPUT, FILTER, OUTPUT = (np.kron(matrix, matrix) for matrix in (B_T, G, A_T))  # (36, 36), (36, 9), (16, 36)
ALL_ONES = TILE + 1  # the place of point (1, 1): it goes into all 16 outputs with factor 1

# Tiles transformed at a time: enough for fast matrix products, few enough to stay in the cache.  On a card as many as
# take so many bytes once they are transformed: large products keep all of it busy (the size there is not measured).
BLOCK_TILES, BLOCK_BYTES_ON_CARD = 128, 1 << 28

# B^T d B, A dY A^T and A^T (...) A of every tile, in one kernel each
CARD_INPUTS = into_tiles("winograd_inputs", B_T, STEP)
CARD_GRADIENTS = into_tiles("winograd_gradients", A_T.T, STEP)
CARD_OUTPUTS = out_of_tiles("winograd_outputs", A_T, STEP)

_kept = {}  # id(w) -> (weak reference to w that removes the entry, transformed filters), see `_filters_of`


FOR = "3x3 kernels at stride 1"


def applies(windows):
    """Whether these windows can be computed this way: 3x3 at stride 1, any pad and dilation."""
    return windows.kernel == (3, 3) and windows.stride == (1, 1)


def pays(windows, w):
    """Whether the transforms cost less than they save.

    Those of the tiles are shared by all channels, that of the kernel by all tiles, so there must be enough of both;
    and at least half of the tiles' cells must lie on the map, which a large dilation of a small map prevents.
    """
    tiles = _tiling(windows).total
    outputs = windows.x_shape[0] * prod(windows.out)
    return min(w.shape[2:]) >= 64 and tiles >= 24 and 2 * outputs >= tiles * STEP**2


def convolve(x, w, b, windows):
    """y (N, OH, OW, D) of `conv2d`."""
    xp = array_module(x)
    tiling = _tiling(windows)
    filters = _filters_of(w)  # (36, C, D)
    y = xp.empty((x.shape[0], *windows.out, w.shape[3]), dtype=x.dtype)

    def work(share):
        for blocks, channels in share:
            for block in blocks:
                inputs = _transform_inputs(x, tiling, block, windows)  # (36, T, C)
                products = scratch("products", (*inputs.shape[:2], channels.stop - channels.start), x)
                xp.matmul(inputs, filters[:, :, channels], out=products)  # (36, T, D)
                if b is not None:
                    products[ALL_ONES] += b[channels]
                _put_outputs(products, tiling, block, y[..., channels])

    in_shares(work, _divide(tiling, w, xp), xp)
    return y


def gradients(dy, x, w, windows, need_dx=True):
    """dx (N, H, W, C) or None, dw (3, 3, C, D) of `conv2d`."""
    return input_gradient(dy, w, windows) if need_dx else None, weight_gradient(dy, x, w, windows)


def input_gradient(dy, w, windows):
    """dx (N, H, W, C) of `conv2d`: the convolution of dy with the mirrored kernel, from D to C channels.

    A pad wider than the kernel reaches becomes negative: the outputs that saw no cell of x are skipped.
    """
    pads = tuple(
        (2 * r - before, 2 * r - after) for r, (before, after) in zip(windows.dilation, windows.pads, strict=True)
    )
    mirrored = replace(windows, x_shape=dy.shape, pads=pads, out=windows.x_shape[1:3])
    return convolve(dy, w[::-1, ::-1].transpose(0, 1, 3, 2), None, mirrored)


def weight_gradient(dy, x, w, windows):
    """dw (3, 3, C, D) of `conv2d`."""
    xp, (c, d) = array_module(x), w.shape[2:]
    tiling = _tiling(windows)

    def work(share):
        dw = xp.zeros((3, 3, c, d), dtype=w.dtype)
        for blocks, channels in share:
            total = scratch("kernels", (TILE * TILE, c, channels.stop - channels.start), w)
            total.fill(0)
            for block in blocks:
                inputs = _transform_inputs(x, tiling, block, windows)  # (36, T, C)
                outputs = _transform_gradients(dy[..., channels], tiling, block)  # (36, T, D)
                if on_card(x):
                    total += xp.matmul(inputs.transpose(0, 2, 1), outputs)
                    continue
                for place in range(TILE * TILE):  # not all at once, for then their sum would leave the cache
                    total[place] += inputs[place].T @ outputs[place]
            dw[..., channels] = _transform(FILTER.T, total, "dw").reshape(3, 3, c, -1)
        return dw

    parts = in_shares(work, _divide(tiling, w, xp), xp)
    return sum(parts[1:], parts[0]) if parts else xp.zeros_like(w)


def _tiling(windows):
    return Tiling(windows.x_shape[0], windows.out, windows.dilation)


def _filters_of(w):
    """Transformed w (3, 3, C, D) -> (36, C, D), kept for the next call while w is read-only (`Network.inference`).

    That takes four times the memory of w and saves a seventh of SSD300's time for one image.  Whoever makes w writeable
    again has to call `forget`.
    """
    shape = (TILE * TILE, *w.shape[2:])
    if not _read_only(w):
        _kept.pop(id(w), None)
        return _transform_filters(w, scratch("kernels", shape, w))
    if id(w) not in _kept:
        forget = partial(_kept.pop, id(w))
        _kept[id(w)] = weakref.ref(w, forget), _transform_filters(w, np.empty(shape, w.dtype))
    return _kept[id(w)][1]


def forget(kernels):
    """What was kept for these arrays is out of date."""
    for w in kernels:
        _kept.pop(id(w), None)


def _read_only(w):
    """Whether w cannot change: an array of NumPy that may not be written to, and not a view of one that may."""
    return array_module(w).__name__ == "numpy" and w.base is None and not w.flags.writeable


def _transform_filters(w, out):
    """G g G^T for all pairs of channels: w (3, 3, C, D) -> out (36, C, D)."""
    xp, (c, d) = array_module(w), w.shape[2:]
    matrix, taps, filters = xp.asarray(FILTER, dtype=w.dtype), w.reshape(9, c * d), out.reshape(-1, c * d)

    def work(share):
        for pairs in share:
            xp.matmul(matrix, taps[:, pairs], out=filters[:, pairs])

    in_shares(work, runs(c * d, threads_for(9 * filters.size, xp)), xp)
    return filters.reshape(TILE * TILE, c, d)


def _transform_inputs(x, tiling, block, windows):
    """B^T d B for the tiles of a block: (36, T, C)."""
    pads = [before for before, _ in windows.pads]
    if on_card(x):
        return _tiles_on_card(CARD_INPUTS, x, tiling, block, pads)
    return _transform(INPUT, tiling.gather(x, block, TILE, pads), "inputs")


def _transform_gradients(dy, tiling, block):
    """A dY A^T for the tiles of a block: (36, T, D)."""
    if on_card(dy):
        return _tiles_on_card(CARD_GRADIENTS, dy, tiling, block, (0, 0))
    return _transform(OUTPUT.T, tiling.gather(dy, block, STEP, (0, 0)), "outputs")


def _put_outputs(products, tiling, block, y):
    """A^T (...) A of products (36, T, D), written to its places in y (N, OH, OW, D)."""
    if on_card(y):
        for places, elements in tiling.places(block, y.shape, (0, 0)):
            CARD_OUTPUTS(products, *places, y, size=elements)
    else:
        tiling.scatter(_transform(OUTPUT, products, "outputs"), y, block)


def _tiles_on_card(kernel, x, tiling, block, pads):
    """What a kernel of `into_tiles` makes of the tiles of a block: (36, T, C)."""
    xp = array_module(x)
    x = xp.ascontiguousarray(x)
    tiles = xp.empty((TILE * TILE, tiling.count(block), x.shape[3]), dtype=x.dtype)
    for places, elements in tiling.places(block, x.shape, pads):
        kernel(x, *places, tiles, size=elements)
    return tiles


def _transform(matrix, tiles, name):
    """matrix (m, k) @ tiles (k, T, C)  ->  (m, T, C)."""
    xp, (_, t, c) = array_module(tiles), tiles.shape
    out = scratch(name, (len(matrix), t, c), tiles)
    xp.matmul(xp.asarray(matrix, dtype=tiles.dtype), tiles.reshape(-1, t * c), out=out.reshape(-1, t * c))
    return out


def _divide(tiling, w, xp):
    """[(blocks of tiles, output channels)], one for each thread.

    Threads share the tiles.  Where there are few tiles for so many channels, they share the channels: a product with
    half the rows takes far more than half the time, for BLAS prepares all of the filters for it.
    """
    c, d = w.shape[2:]
    threads = threads_for(TILE * TILE * tiling.total * c * d, xp)
    most = BLOCK_TILES
    if on_card(w):
        most = max(most, BLOCK_BYTES_ON_CARD // (TILE * TILE * max(c, d) * w.dtype.itemsize))
    if 4 * tiling.total < d:
        blocks = tiling.blocks(most)
        return [(blocks, channels) for channels in runs(d, threads)]
    blocks = tiling.blocks(min(most, -(-tiling.total // threads)))
    return [(blocks[run], slice(0, d)) for run in runs(len(blocks), threads)]
