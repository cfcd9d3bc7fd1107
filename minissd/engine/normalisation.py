"""Batch normalisation in few passes over memory, on all cores or by kernels of a GPU.

Speed on a CPU is a matter of passes over memory.  The maps are walked in blocks that fit the cache, so that every
pass but the first over a block is cheap and no temporary is larger than a block; and a row of a map is taken as one
vector of W*C numbers, with the channels' numbers repeated W times, since NumPy is slow on many short vectors.  They are
repeated for every row of a block, too: on two arrays of the same shape NumPy runs one long loop, twice as fast as
broadcasting.  The blocks are shared out among the cores.  What is computed is in `minissd/ops/normalisation.py`.

C channels on the last axis, M = all other entries (N*H*W for maps).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minissd.arguments import Cache, as_gradient
from minissd.device import Array, array_module
from minissd.engine.algorithms.algorithm import unchanged
from minissd.engine.cpu.threads import in_turns
from minissd.engine.cuda import on_card
from minissd.engine.cuda.elementwise import BATCH_NORM_DX, SCALE_AND_SHIFT
from minissd.engine.cuda.sums import BATCH_NORM_SUMS, SQUARED_DISTANCES
from minissd.engine.runtime import empty, loan
from minissd.engine.sums import column_sums, sums_on_card
from minissd.engine.tuning import tuning_in_force
from minissd.ops.normalisation import EPS, check_channels


class BatchNormCache(NamedTuple):
    x: object  # (..., C)
    mean: object  # (C,)
    inverse_std: object  # (C,)
    gamma: object  # (C,)
    train: bool  # whether mean and variance were those of x


def batch_norm(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    *,
    train: bool,
    momentum: float = 0.1,
    eps: float = EPS,
    finish: Callable[[Array], None] = unchanged,
) -> tuple[Array, Cache]:
    """As `minissd.ops.batch_norm`: x (..., C); the others (C,) -> y (..., C), cache.  finish: as for `conv2d`."""
    of_channels = {"gamma": gamma, "beta": beta, "running_mean": running_mean, "running_var": running_var}
    xp, eps = check_channels("batch_norm", {"x": x}, of_channels), float(eps)
    if not (0 <= momentum <= 1 and eps >= 0):
        raise ValueError(f"batch_norm needs a momentum in [0, 1] and an eps of at least 0, got {momentum} and {eps}")
    rows, repeats = _wide_rows(xp, x)
    count = math.prod(x.shape[:-1])  # M
    train = train and count > 1
    if train:
        mean, var = _moments(xp, rows, repeats)
        running_mean += momentum * (mean - running_mean)
        running_var += momentum * (var * (count / (count - 1)) - running_var)
    else:
        mean, var = running_mean.copy(), running_var
    inverse_std = 1 / xp.sqrt(var + eps)
    slope = gamma * inverse_std  # y = slope x + (beta - slope mean): two passes instead of four
    y = empty(rows.shape, rows)
    with loan() as memory:
        wide = _widening(rows, repeats, xp, memory)
        wide_slope, wide_shift = wide(slope), wide(beta - slope * mean)

        def scale_and_shift(block):
            if on_card(x):
                SCALE_AND_SHIFT(rows[block], wide_slope, wide_shift, y[block])
                finish(y[block])
                return
            part, out = rows[block], y[block]
            xp.multiply(part, wide_slope[: len(part)], out=out)
            out += wide_shift[: len(part)]
            finish(out)

        _for_each_block(scale_and_shift, rows, xp)
    return y.reshape(x.shape), BatchNormCache(x, mean, inverse_std, gamma, train)


def batch_norm_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """As `minissd.ops.batch_norm_backward`: dy (..., C) -> dx (..., C), dgamma (C,), dbeta (C,)."""
    x, mean, inverse_std, gamma, train = cache
    xp, dy = array_module(dy, x), as_gradient("batch_norm", dy, x.shape, x.dtype)
    rows, repeats = _wide_rows(xp, x)
    dy_rows, _ = _wide_rows(xp, dy)
    dx, per_std = empty(dy_rows.shape, dy_rows), xp.tile(inverse_std, repeats)
    with loan() as memory:
        wide = _widening(rows, repeats, xp, memory)
        wide_mean = wide(mean)

        def dgamma_and_dbeta(block):
            if on_card(x) and x.size:
                return xp.stack(sums_on_card(BATCH_NORM_SUMS, rows, dy_rows, mean, inverse_std))
            part, dy_part = rows[block], dy_rows[block]
            with loan() as scratch:
                products = xp.subtract(part, wide_mean[: len(part)], out=scratch(part.shape, part))
                products *= dy_part
                sums = _column_sums(products) * per_std  # scaled after the sum: a pass less
            return xp.stack([sums, _column_sums(dy_part)])

        dgamma, dbeta = _sum_over_blocks(dgamma_and_dbeta, rows, repeats, xp)

        count = x.size // x.shape[-1]  # M
        slope = gamma * inverse_std
        # (1) through x_hat itself: slope dy;  (2) through the mean, which every x moved by 1/M: -slope dbeta / M;
        # (3) through the variance, moved by 2 (x - mean) / M: -slope x_hat dgamma / M
        per_centred, constant = slope * inverse_std * dgamma / max(count, 1), slope * dbeta / max(count, 1)
        # (2) and (3) are per_centred x + offset: one pass less again
        wide_slope, wide_factor, wide_offset = wide(slope), wide(per_centred), wide(constant - per_centred * mean)

        def add_up(block):
            if on_card(x) and train:
                BATCH_NORM_DX(
                    rows[block], dy_rows[block], wide_mean, wide_slope, wide_factor, wide(constant), dx[block]
                )
                return
            part, out = rows[block], dx[block]
            xp.multiply(dy_rows[block], wide_slope[: len(part)], out=out)
            if train:  # with fixed statistics only (1) is left
                with loan() as scratch:
                    moved = xp.multiply(part, wide_factor[: len(part)], out=scratch(part.shape, part))
                    moved += wide_offset[: len(part)]
                    out -= moved

        _for_each_block(add_up, rows, xp)
    return dx.reshape(x.shape), dgamma, dbeta


def _moments(xp, rows, repeats):
    """Mean and biased variance of each channel; the variance from centred values, so that it cannot cancel."""
    count = rows.shape[0] * repeats  # M
    mean = _sum_over_blocks(lambda block: _column_sums(rows[block]), rows, repeats, xp) / count
    with loan() as memory:
        wide_mean = _widening(rows, repeats, xp, memory)(mean)

        def squares(block):
            if on_card(rows) and rows.size:
                return sums_on_card(SQUARED_DISTANCES, rows, mean)[0]
            part = rows[block]
            with loan() as scratch:
                centred = xp.subtract(part, wide_mean[: len(part)], out=scratch(part.shape, part))
                centred *= centred
                return _column_sums(centred)

        return mean, _sum_over_blocks(squares, rows, repeats, xp) / count


def _column_sums(block):
    """As `column_sums`, but by a matrix product: BLAS reads a block at the speed of the cache."""
    return column_sums(block) if on_card(block) else np.ones(len(block), dtype=block.dtype) @ block


def _wide_rows(xp, x):
    """x (..., W, C) as (rows, W*C), and W: how often each channel occurs in a row.  (M, C) stays as it is, W = 1; on a
    GPU, which does not mind short vectors, all become (M, C)."""
    repeats = x.shape[-2] if x.ndim > 2 and not on_card(x) else 1
    return xp.ascontiguousarray(x).reshape(-1, repeats * x.shape[-1]), repeats


def _widening(rows, repeats, xp, memory):
    """A function: v (C,) -> (rows of a block, W*C), v again and again, in memory of a loan; on a GPU (1, C)."""
    step = 1 if on_card(rows) else min(_step(rows), max(1, len(rows)))

    def wide(v):
        block = memory((step, repeats * len(v)), v)
        block[...] = xp.tile(v, repeats)
        return block

    return wide


def _sum_over_blocks(work, rows, repeats, xp):
    """The sum of work(block), vectors (..., W*C), over all blocks and over the W repeats -> (..., C)."""
    total = sum(in_turns(work, _blocks(rows), xp))
    return total.reshape(*total.shape[:-1], repeats, -1).sum(axis=-2)


def _for_each_block(work, rows, xp):
    in_turns(work, _blocks(rows), xp)


def _blocks(rows):
    step = _step(rows)
    return [slice(start, start + step) for start in range(0, max(len(rows), 1), step)]  # one, empty, for no rows


def _step(rows):
    """Rows of a block."""
    if on_card(rows):
        return max(1, len(rows))
    sizes, row = tuning_in_force().sizes, rows.shape[1] * rows.dtype.itemsize
    return max(1, min(sizes.batch_norm_block // row, len(rows) // sizes.batch_norm_blocks))
