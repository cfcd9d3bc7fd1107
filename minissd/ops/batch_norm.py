"""Batch normalisation: each channel is brought to mean 0 and variance 1 over the batch, then scaled and shifted.

    x_hat = (x - mean) / sqrt(var + eps),   y = gamma * x_hat + beta

C channels on the last axis, M = all other entries (N*H*W for maps).  In training mean and variance come from the
batch, and the running statistics follow them by `momentum` (in place: the one thing a forward pass may change);
otherwise the running statistics are used.  The running variance is the unbiased one (M - 1), as in PyTorch.

Speed on a CPU is a matter of passes over memory.  The maps are walked in blocks that fit the cache, so that every
pass but the first over a block is cheap and no temporary is larger than a block; and a row of a map is taken as one
vector of W*C numbers, with the channels' numbers repeated W times, since NumPy is slow on many short vectors.
The blocks are shared out among the cores.
"""

from typing import NamedTuple

from minissd.backend import array_module
from minissd.kernels import on_card
from minissd.kernels.elementwise import BATCH_NORM_DX, SCALE_AND_SHIFT
from minissd.kernels.sums import BATCH_NORM_SUMS, SQUARED_DISTANCES
from minissd.ops.sums import column_sums, sums_on_card
from minissd.ops.threads import in_shares

EPS = 1e-5
BLOCK_BYTES = {"numpy": 1 << 18, "cupy": 1 << 50}  # on a card one block is all


class BatchNormCache(NamedTuple):
    x: object  # (..., C)
    mean: object  # (C,)
    inverse_std: object  # (C,)
    gamma: object  # (C,)
    train: bool


def batch_norm(x, gamma, beta, running_mean, running_var, *, train, momentum=0.1, eps=EPS):
    """x (..., C); gamma, beta, running_mean, running_var (C,) -> y (..., C), cache."""
    xp = array_module(x, gamma, beta, running_mean, running_var)
    for name, array in (("gamma", gamma), ("beta", beta), ("running_mean", running_mean), ("running_var", running_var)):
        if array.shape != x.shape[-1:]:
            raise ValueError(f"batch_norm: {name} {array.shape} does not fit the channels of x {x.shape}")
    rows, repeats = _wide_rows(xp, x)
    if train:
        mean, var = _moments(xp, rows, repeats)
        count = x.size // x.shape[-1]  # M
        running_mean += momentum * (mean - running_mean)
        running_var += momentum * (var * (count / max(count - 1, 1)) - running_var)
    else:
        mean, var = running_mean.copy(), running_var
    inverse_std = 1 / xp.sqrt(var + eps)
    slope = gamma * inverse_std  # y = slope x + (beta - slope mean): two passes instead of four
    shift = xp.tile(beta - slope * mean, repeats)
    slope = xp.tile(slope, repeats)
    y = xp.empty_like(rows)

    def scale_and_shift(block):
        if on_card(x):
            SCALE_AND_SHIFT(rows[block], slope, shift, y[block])
            return
        xp.multiply(rows[block], slope, out=y[block])
        y[block] += shift

    _for_each_block(scale_and_shift, rows, xp)
    return y.reshape(x.shape), BatchNormCache(x, mean, inverse_std, gamma, train)


def batch_norm_backward(dy, cache):
    """dy (..., C) -> dx (..., C), dgamma (C,), dbeta (C,)."""
    x, mean, inverse_std, gamma, train = cache
    xp = array_module(dy, x)
    rows, repeats = _wide_rows(xp, x)
    dy_rows, _ = _wide_rows(xp, dy)
    wide_mean, wide_inverse_std = xp.tile(mean, repeats), xp.tile(inverse_std, repeats)

    def dgamma_and_dbeta(block):
        if on_card(x) and x.size:
            return xp.stack(sums_on_card(BATCH_NORM_SUMS, rows, dy_rows, mean, inverse_std))
        products = rows[block] - wide_mean
        products *= dy_rows[block]
        x_hat_dy = products.sum(axis=0) * wide_inverse_std  # scaled after the sum: one pass less
        return xp.stack([x_hat_dy, dy_rows[block].sum(axis=0)])

    dgamma, dbeta = _sum_over_blocks(dgamma_and_dbeta, rows, repeats, xp)

    count = x.size // x.shape[-1]  # M
    slope = gamma * inverse_std
    wide_slope = xp.tile(slope, repeats)
    # (1) through x_hat itself: slope dy;  (2) through the mean, which every x moved by 1/M: -slope dbeta / M;
    # (3) through the variance, moved by 2 (x - mean) / M: -slope x_hat dgamma / M
    per_centred = xp.tile(slope * inverse_std * dgamma / max(count, 1), repeats)
    constant = xp.tile(slope * dbeta / max(count, 1), repeats)
    offset = constant - per_centred * wide_mean  # (2) and (3) are per_centred x + offset: one pass less again
    dx = xp.empty_like(dy_rows)

    def add_up(block):
        if on_card(x) and train:
            BATCH_NORM_DX(rows[block], dy_rows[block], wide_mean, wide_slope, per_centred, constant, dx[block])
            return
        xp.multiply(dy_rows[block], wide_slope, out=dx[block])
        if train:  # with fixed statistics only (1) is left
            moved = rows[block] * per_centred
            moved += offset
            dx[block] -= moved

    _for_each_block(add_up, rows, xp)
    return dx.reshape(x.shape), dgamma, dbeta


def fold_batch_norm(w, b, gamma, beta, running_mean, running_var, *, eps=EPS):
    """(w, b) of the convolution that does what one with w (..., C) and b (C,) or None does together with the batch norm
    behind it, outside of training: slope (x*w + b - mean) + beta = x*(slope w) + slope (b - mean) + beta."""
    slope = gamma / array_module(w, gamma).sqrt(running_var + eps)
    return w * slope, (-running_mean if b is None else b - running_mean) * slope + beta


def _moments(xp, rows, repeats):
    """Mean and biased variance of each channel; the variance from centred values, so that it cannot cancel."""
    count = rows.shape[0] * repeats  # M
    mean = _sum_over_blocks(lambda block: column_sums(rows[block]), rows, repeats, xp) / count
    wide_mean = xp.tile(mean, repeats)

    def squares(block):
        if on_card(rows) and rows.size:
            return sums_on_card(SQUARED_DISTANCES, rows, mean)[0]
        centred = rows[block] - wide_mean
        centred *= centred
        return centred.sum(axis=0)

    return mean, _sum_over_blocks(squares, rows, repeats, xp) / count


def _wide_rows(xp, x):
    """x (..., W, C) as (rows, W*C), and W: how often each channel occurs in a row.  (M, C) stays as it is, W = 1; on a
    card, which does not mind short vectors, all become (M, C)."""
    repeats = x.shape[-2] if x.ndim > 2 and not on_card(x) else 1
    return xp.ascontiguousarray(x).reshape(-1, repeats * x.shape[-1]), repeats


def _sum_over_blocks(work, rows, repeats, xp):
    """The sum of work(block), vectors (..., W*C), over all blocks and over the W repeats -> (..., C)."""
    total = sum(in_shares(lambda share: sum(work(block) for block in share), _blocks(rows, xp), xp))
    return total.reshape(*total.shape[:-1], repeats, -1).sum(axis=-2)


def _for_each_block(work, rows, xp):
    in_shares(lambda share: [work(block) for block in share], _blocks(rows, xp), xp)


def _blocks(rows, xp):
    step = max(1, BLOCK_BYTES[xp.__name__] // (rows.shape[1] * rows.dtype.itemsize))
    return [slice(start, start + step) for start in range(0, max(len(rows), 1), step)]  # one, empty, for no rows
