"""Winograd's convolution F(4x4, 3x3): a quarter of the multiplications of a 3x3 convolution at stride 1.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016).  Four outputs of a correlation with three
taps, y_i = sum_k d_{i+k} g_k, depend on six inputs.  They take six products instead of twelve (Toom and Cook: a
product of polynomials is known from its values at six points, here 0, 1, -1, 2, -2 and infinity):
    y = A^T [(G g) * (B^T d)],    in two dimensions    Y = A^T [(G g G^T) * (B^T d B)] A,
36 products for 16 outputs where the definition has 144.  Summed over input channels, each of the 36 places becomes a
matrix product (T, C) (C, D).  The gradients follow, for Y is linear in d and in g:
    dg = G^T [(B^T d B) * (A dY A^T)] G, summed over tiles;    dx is the convolution of dy with the mirrored kernel.

The transforms are in winograd_transforms.py and winograd_filters.py, the cutting into tiles in tiles.py; an atrous
convolution is taken apart into dense ones first (atrous.py).

C D channels in and out, T tiles of a block, 6 x 6 places of a transformed tile.
"""

from dataclasses import replace
from itertools import chain
from math import gcd, prod

from minissd.device import array_module
from minissd.engine.algorithms.algorithm import Algorithm, Work, unchanged
from minissd.engine.algorithms.atrous import grids_of_inputs, grids_of_outputs, put_together
from minissd.engine.algorithms.tiles import STEP, Tiling
from minissd.engine.algorithms.winograd_filters import filters_of, kernel_gradient
from minissd.engine.algorithms.winograd_transforms import (
    A_T,
    B_T,
    TILE,
    Transform,
    into_tiles,
    out_of_tiles,
    room_for_results,
)
from minissd.engine.cpu.threads import in_shares, in_turns, runs, threads_for
from minissd.engine.cuda import on_card
from minissd.engine.cuda.winograd import into_tiles as kernel_into_tiles
from minissd.engine.cuda.winograd import out_of_tiles as kernel_out_of_tiles
from minissd.engine.products import in_pieces
from minissd.engine.runtime import empty, loan
from minissd.engine.tuning import tuning_in_force

POINT_ONE = 1, 1  # the place of the points (1, 1): it goes into all 16 outputs with factor 1

# B^T d B, A dY A^T and A^T (...) A of every tile, in one kernel each
CARD_INPUTS = kernel_into_tiles("winograd_inputs", B_T, STEP)
CARD_GRADIENTS = kernel_into_tiles("winograd_gradients", A_T.T, STEP)
CARD_OUTPUTS = kernel_out_of_tiles("winograd_outputs", A_T, STEP)


def supports(windows):
    """Whether these windows can be computed this way: 3x3 at stride 1, any pad and dilation."""
    return windows.kernel == (3, 3) and windows.stride == (1, 1)


def forward_work(windows, filters):
    """That of the dense convolutions, if it is an atrous one."""
    (n, _, _, c), places = windows.x_shape, TILE * TILE
    grid = tuple(-(-size // r) for size, r in zip(windows.out, windows.dilation, strict=True))
    tiles = Tiling(n * prod(windows.dilation), grid).total
    blocks = max(1, tiles / tuning_in_force().sizes.winograd_tiles)
    return Work(
        calls=10 + 10 * blocks,
        products=places * tiles * c * filters,
        numbers=places * tiles * (c + filters),
        pieces=0,
        weights=places * c * filters * (1 + blocks),
    )


def gradients_work(windows, filters, need_dx):
    """Each gradient takes as much as the forward pass."""
    return forward_work(windows, filters).times(1 + need_dx)


def forward(x, w, b, windows, finish=unchanged, kept=None):
    """y (N, OH, OW, D) of `conv2d`; kept as there."""
    if windows.dilation != (1, 1):
        grids, dense = grids_of_inputs(x, windows)
        return put_together(forward(grids, w, b, dense, finish, kept), windows)
    xp = array_module(x)
    x, tiling = xp.ascontiguousarray(x), _tiling(windows)
    y = empty((x.shape[0], *windows.out, w.shape[3]), x)
    pads = [before for before, _ in windows.pads]
    to_tiles = Transform.of(B_T, STEP, tiling, x, CARD_INPUTS)
    to_map = Transform.of(A_T, TILE, tiling, x, CARD_OUTPUTS)

    def work(piece):
        block, channels = piece
        with loan() as scratch:
            inputs = into_tiles(to_tiles, x, tiling, block, pads, scratch)  # (6, 6, T, C)
            results = room_for_results(channels.stop - channels.start, tiling, block, x, scratch)
            in_pieces(inputs, filters[..., channels], out=results)  # (6, 6, T, D)
            if b is not None:
                results[POINT_ONE] += b[channels]
            out_of_tiles(to_map, results, tiling, block, y[..., channels])
            finish(y[block.images, tiling.map_rows(block), :, channels])

    with loan() as scratch:
        filters = filters_of(w, scratch, kept)  # (6, 6, C, D)
        in_turns(work, _divide(tiling, w, forward_work(windows, w.shape[3]), xp), xp)
    return y


def gradients(dy, x, w, windows, need_dx=True):
    """dx (N, H, W, C) or None, dw (3, 3, C, D) of `conv2d`."""
    dx = forward(dy, *mirrored(dy, w, windows)) if need_dx else None
    return dx, weight_gradient(dy, x, w, windows)


def mirrored(dy, w, windows):
    """What `forward` takes besides dy to make dx of it: the mirrored kernel, from D to C channels, no bias, windows.

    A pad wider than the kernel reaches becomes negative: the outputs that saw no cell of x are skipped.
    """
    pads = tuple(
        (2 * r - before, 2 * r - after) for r, (before, after) in zip(windows.dilation, windows.pads, strict=True)
    )
    over_dy = replace(windows, x_shape=dy.shape, pads=pads, out=windows.x_shape[1:3])
    return w[::-1, ::-1].transpose(0, 1, 3, 2), None, over_dy


def weight_gradient(dy, x, w, windows):
    """dw (3, 3, C, D) of `conv2d`."""
    if windows.dilation != (1, 1):
        grids, dense = grids_of_inputs(x, windows)
        return weight_gradient(grids_of_outputs(dy, windows), grids, w, dense)
    xp, (c, d), tiling = array_module(x), w.shape[2:], _tiling(windows)
    x = xp.ascontiguousarray(x)
    pads = [before for before, _ in windows.pads]
    inputs_to_tiles = Transform.of(B_T, STEP, tiling, x, CARD_INPUTS)
    outputs_to_tiles = Transform.of(A_T.T, STEP, tiling, x, CARD_GRADIENTS)
    blocks = tiling.blocks(_block_tiles(w))
    if not blocks:
        return xp.zeros_like(w)

    def work(shares):
        for places, channels in chain.from_iterable(shares):
            dy_part = xp.ascontiguousarray(dy[..., channels])
            of_places = total[places, ..., channels]  # (places, 6, C, channels)
            for block in blocks:
                first = block is blocks[0]
                with loan() as scratch:
                    inputs = into_tiles(inputs_to_tiles, x, tiling, block, pads, scratch, places)  # (places, 6, T, C)
                    outputs = into_tiles(outputs_to_tiles, dy_part, tiling, block, (0, 0), scratch, places)
                    part = None if first else scratch(of_places.shape[1:], w)
                    for i, sums in enumerate(of_places):  # not all at once: they would leave the cache
                        xp.matmul(inputs[i].swapaxes(1, 2), outputs[i], out=sums if first else part)
                        if not first:
                            sums += part

    with loan() as scratch:
        total = scratch((TILE, TILE, c, d), w)
        in_shares(work, _divide_places(tiling, w, xp), xp)
        return kernel_gradient(total)


def _tiling(windows):
    return Tiling(windows.x_shape[0], windows.out)


def _block_tiles(w):
    sizes = tuning_in_force().sizes
    if on_card(w):
        of_tile = TILE * TILE * max(w.shape[2:]) * w.dtype.itemsize  # bytes
        return max(sizes.winograd_tiles, sizes.winograd_block_on_card // of_tile)
    return sizes.winograd_tiles


def _divide(tiling, w, work, xp):
    """[(block of tiles, output channels)], for the threads to take in turns.

    Where there are few tiles for so many channels, the channels are cut and not the tiles: a product with half the rows
    takes far more than half the time, for BLAS prepares all of the filters for it.
    """
    d, threads = w.shape[3], work.threads("winograd", xp)
    if 4 * tiling.total < d:
        return [(block, channels) for block in tiling.blocks(_block_tiles(w)) for channels in runs(d, threads)]
    blocks = tiling.blocks(min(_block_tiles(w), -(-tiling.total // threads)), threads)
    return [(block, slice(0, d)) for block in blocks]


def _divide_places(tiling, w, xp):
    """[[(rows of places of a transformed tile, output channels)]]: what each thread sums over all tiles.

    That way no sums of threads have to be added up.  Where 6 rows do not divide evenly, the channels are cut as well.
    """
    c, d = w.shape[2:]
    threads = threads_for(TILE * TILE * tiling.total * c * d, xp)
    parts = runs(d, threads // gcd(threads, TILE))
    shares = []
    for run in runs(TILE * len(parts), threads):
        first, last = run.start // TILE, (run.stop - 1) // TILE
        edges = [(TILE * i, channels) for i, channels in enumerate(parts)][first : last + 1]
        shares.append([(slice(max(run.start - i, 0), min(run.stop - i, TILE)), channels) for i, channels in edges])
    return shares


WINOGRAD = Algorithm(
    "winograd",
    "3x3 kernels at stride 1",
    supports,
    forward_work,
    gradients_work,
    forward,
    gradients,
    keeps=True,
)
