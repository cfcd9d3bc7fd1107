"""Everything that is not a sliding window, entry by entry as the formulas say.

C is the number of channels or classes, on the last axis.  Results are float64 whatever comes in.
"""

import math

import numpy as np


def relu(x):
    return _each(x, lambda v: v if v > 0 else 0.0)


def leaky_relu(x, slope=0.1):
    return _each(x, lambda v: v if v > 0 else slope * v)


def sigmoid(x):
    return _each(x, lambda v: 1 / (1 + math.exp(-v)))


def relu6(x):
    return _each(x, lambda v: min(max(v, 0.0), 6.0))


def hard_sigmoid(x):
    return _each(x, lambda v: min(max(v + 3, 0.0), 6.0) / 6)


def hard_swish(x):
    return _each(x, lambda v: v * min(max(v + 3, 0.0), 6.0) / 6)


def scale_channels(x, scale):
    """x (N, H, W, C), scale (N, C): each channel of each image times its number."""
    y = np.zeros(x.shape)
    for n, i, j, c in np.ndindex(x.shape):
        y[n, i, j, c] = x[n, i, j, c] * scale[n, c]
    return y


def linear(x, w, b=None):
    """x (N, C), w (C, D), b (D,) -> (N, D)."""
    y = np.zeros((x.shape[0], w.shape[1]))
    for n, d in np.ndindex(y.shape):
        y[n, d] = sum(x[n, c] * w[c, d] for c in range(w.shape[0])) + (0 if b is None else b[d])
    return y


def batch_norm(x, gamma, beta, running_mean, running_var, *, train, momentum=0.1, eps=1e-5):
    """x (..., C) -> y, running_mean, running_var; the running statistics come back as new arrays.

    A single value a channel has no variance: it is normalised with the running statistics, which stay as they are.
    """
    y, running_mean, running_var = np.zeros(x.shape), np.array(running_mean), np.array(running_var)
    for c in range(x.shape[-1]):
        values = x[..., c].ravel().tolist()
        learns = train and len(values) > 1
        mean, var = _moments(values) if learns else (running_mean[c], running_var[c])
        if learns:
            unbiased = var * len(values) / (len(values) - 1)
            running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean
            running_var[c] = (1 - momentum) * running_var[c] + momentum * unbiased
        for at in np.ndindex(x.shape[:-1]):
            y[*at, c] = gamma[c] * (x[*at, c] - mean) / math.sqrt(var + eps) + beta[c]
    return y, running_mean, running_var


def batch_norm_backward(dy, x, gamma, eps=1e-5):
    """Training mode, by the full Jacobian: dy (..., C) -> dx, dgamma, dbeta.

    With M values in a channel, x_hat = (x - mean) / std and std^2 = var + eps,
        d x_hat_j / d x_i = ([i = j] - 1/M - x_hat_i x_hat_j / M) / std.
    """
    dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(gamma.shape), np.zeros(gamma.shape)
    places = list(np.ndindex(x.shape[:-1]))
    for c in range(x.shape[-1]):
        mean, var = _moments(x[..., c].ravel().tolist())
        std = math.sqrt(var + eps)
        x_hat = {at: (x[*at, c] - mean) / std for at in places}
        m = len(places)
        for i in places:
            dgamma[c] += dy[*i, c] * x_hat[i]
            dbeta[c] += dy[*i, c]
            for j in places:
                jacobian = ((i == j) - 1 / m - x_hat[i] * x_hat[j] / m) / std
                dx[*i, c] += dy[*j, c] * gamma[c] * jacobian
    return dx, dgamma, dbeta


def l2_normalize(x, scale, eps=1e-10):
    """x (..., C), scale (C,): each vector along the channels gets length 1, then each channel its scale."""
    y = np.zeros(x.shape)
    for at in np.ndindex(x.shape[:-1]):
        norm = math.sqrt(sum(v**2 for v in x[at].tolist()) + eps)
        for c in range(x.shape[-1]):
            y[*at, c] = scale[c] * x[*at, c] / norm
    return y


def dropout(x, kept, rate):
    """`kept` (bool, shaped like x) says which units survive; they are divided by the chance to survive."""
    y = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        y[at] = x[at] / (1 - rate) if kept[at] else 0.0
    return y


def spatial_dropout(x, kept, rate):
    """x (N, H, W, C); `kept` (N, C) says which channels of which image survive as a whole."""
    y = np.zeros(x.shape)
    for n, i, j, c in np.ndindex(x.shape):
        y[n, i, j, c] = x[n, i, j, c] / (1 - rate) if kept[n, c] else 0.0
    return y


def softmax(x):
    """exp(x_u) / sum_v exp(x_v) along the last axis."""
    y = np.zeros(x.shape)
    for at in np.ndindex(x.shape[:-1]):
        top = max(x[at])  # cancels, and keeps exp from overflowing
        powers = [math.exp(v - top) for v in x[at]]
        for u, power in enumerate(powers):
            y[*at, u] = power / sum(powers)
    return y


def log_softmax(x):
    """x_u - log(sum_v exp(x_v)) along the last axis."""
    y = np.zeros(x.shape)
    for at in np.ndindex(x.shape[:-1]):
        top = max(x[at])
        log_sum = top + math.log(sum(math.exp(v - top) for v in x[at]))
        for u, v in enumerate(x[at]):
            y[*at, u] = v - log_sum
    return y


def cross_entropy(logits, labels, reduction="mean"):
    """-log softmax(logits)[label], mean or sum over the rows.  logits (..., C), labels (...) in 0..C-1 -> float."""
    if not ((labels >= 0) & (labels < logits.shape[-1])).all():
        raise ValueError(f"cross_entropy needs labels from 0 to {logits.shape[-1] - 1}")
    log_p = log_softmax(logits)
    return _reduce([-log_p[*at, labels[at]] for at in np.ndindex(labels.shape)], reduction)


def smooth_l1(pred, target, reduction="mean"):
    """0.5 d^2 where |d| < 1, else |d| - 0.5, averaged or summed over the entries -> float."""
    losses = []
    for at in np.ndindex(pred.shape):
        d = abs(float(pred[at]) - float(target[at]))
        losses.append(0.5 * d**2 if d < 1 else d - 0.5)
    return _reduce(losses, reduction)


def binary_cross_entropy(logits, target, reduction="mean"):
    """-t log p - (1 - t) log(1 - p) with p = sigmoid(logit), averaged or summed over the entries -> float."""
    losses = []
    for at in np.ndindex(logits.shape):
        p, t = 1 / (1 + math.exp(-float(logits[at]))), float(target[at])
        losses.append(-t * math.log(p) - (1 - t) * math.log(1 - p))
    return _reduce(losses, reduction)


def _each(x, function):
    y = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        y[at] = function(float(x[at]))
    return y


def _moments(values):
    """Mean and biased variance of a list."""
    mean = sum(values) / len(values)
    return mean, sum((v - mean) ** 2 for v in values) / len(values)


def _reduce(losses, reduction):
    return sum(losses) / len(losses) if reduction == "mean" else sum(losses)
