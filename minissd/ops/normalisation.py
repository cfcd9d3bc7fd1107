"""Batch normalisation (Ioffe and Szegedy 2015): each channel is brought to mean 0 and variance 1 over the batch, then
scaled and shifted.

    x_hat = (x - mean) / sqrt(var + eps),   y = gamma * x_hat + beta

C channels on the last axis, M = all other entries (N*H*W for maps).  In training mean and variance come from the
batch, and the running statistics follow them by `momentum` (in place: the one thing a forward pass may change);
otherwise the running statistics are used.  The running variance is the unbiased one (M - 1), as in PyTorch.

One value has no variance: it equals its mean, so x_hat would be 0 whatever the input, and the running variance would
shrink to nothing.  If M is 1 (one image whose map is one cell) training uses the running statistics too, leaves them
as they are, and takes them as fixed in the backward pass.  PyTorch refuses such a batch.
"""

import math
from typing import Any

from minissd.arguments import Cache, as_gradient, module_of
from minissd.device import Array, array_module

EPS = 1e-5


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
) -> tuple[Array, Cache]:
    """x (..., C); gamma, beta, running_mean, running_var (C,) -> y (..., C), cache."""
    of_channels = {"gamma": gamma, "beta": beta, "running_mean": running_mean, "running_var": running_var}
    xp, eps = check_channels("batch_norm", {"x": x}, of_channels), float(eps)
    if not (0 <= momentum <= 1 and eps >= 0):
        raise ValueError(f"batch_norm needs a momentum in [0, 1] and an eps of at least 0, got {momentum} and {eps}")
    rows, count = x.reshape(-1, x.shape[-1]), math.prod(x.shape[:-1])  # (M, C), M
    train = train and count > 1
    mean, var = (rows.mean(axis=0), rows.var(axis=0)) if train else (running_mean, running_var)
    if train:
        running_mean += momentum * (mean - running_mean)
        running_var += momentum * (var * (count / (count - 1)) - running_var)
    inverse_std = 1 / xp.sqrt(var + eps)
    x_hat = (x - mean) * inverse_std
    return gamma * x_hat + beta, (x_hat, inverse_std, gamma, train)


def batch_norm_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """dy (..., C) -> dx (..., C), dgamma (C,), dbeta (C,)."""
    x_hat, inverse_std, gamma, train = cache  # (..., C), (C,), (C,), whether mean and variance were those of x
    array_module(dy, x_hat)  # TypeError where they lie on two devices
    dy = as_gradient("batch_norm", dy, x_hat.shape, x_hat.dtype)
    axes, count = tuple(range(dy.ndim - 1)), math.prod(dy.shape[:-1])  # M
    dgamma = (dy * x_hat).sum(axis=axes)  # y = gamma x_hat + beta
    dbeta = dy.sum(axis=axes)
    slope = gamma * inverse_std
    dx = slope * dy  # (1) through x_hat itself
    if train:
        # (2) through the mean: dL/dmean = -slope dbeta, dmean/dx = 1 / M
        # (3) through the variance: dL/dvar = -gamma inverse_std^2 dgamma / 2, dvar/dx = 2 (x - mean) / M
        dx -= slope / count * (dbeta + dgamma * x_hat)
    return dx, dgamma, dbeta


def fold_batch_norm(
    w: Array, b: Array | None, gamma: Array, beta: Array, running_mean: Array, running_var: Array, *, eps: float = EPS
) -> tuple[Array, Array]:
    """(w, b) of the one convolution that equals, at inference, a convolution w (..., C), b (C,) or None and the batch
    norm behind it: slope (x*w + b - mean) + beta = x*(slope w) + slope (b - mean) + beta."""
    of_channels = {"gamma": gamma, "beta": beta, "running_mean": running_mean, "running_var": running_var}
    xp = check_channels("fold_batch_norm", {"w": w}, of_channels)
    slope = gamma / xp.sqrt(running_var + float(eps))
    return w * slope, (-running_mean if b is None else b - running_mean) * slope + beta


def check_channels(operation: str, array: dict[str, Array], of_channels: dict[str, Array]) -> Any:
    """The module of {name: array (..., C)} and {name: array (C,)}, if their channels and dtypes agree."""
    xp, ((name, whole),) = module_of(operation, **array, **of_channels), array.items()
    for key, values in of_channels.items():
        if values.shape != whole.shape[-1:] or not values.size:
            raise ValueError(f"{operation}: {key} {values.shape} does not fit the channels of {name} {whole.shape}")
    return xp
