"""Losses: (loss, cache), where loss is a 0-d array that stays on its device.

reduction="mean" averages over the rows (cross-entropy) or entries (the others); "sum" adds them up: SSD divides by
the number of matched boxes instead.  dloss: the gradient with respect to the loss, 1 where nothing follows it.
"""

from minissd.arguments import Cache, factor_of, labels_below, module_of, nan_if, refuse, target_of
from minissd.device import Array, array_module
from minissd.ops.activations import sigmoid
from minissd.ops.probabilities import log_softmax


def cross_entropy(logits: Array, labels: Array, *, reduction: str = "mean") -> tuple[Array, Cache]:
    """-log softmax(logits)[label].  logits (..., K), integer labels (...) in 0..K-1 -> loss, cache.

    Of the sum over the classes only the term of the true class is left, since the target is one-hot.
    """
    module_of("cross_entropy", logits=logits)
    xp = array_module(logits, labels)
    if not logits.ndim or logits.shape[:-1] != labels.shape:
        raise ValueError(f"cross_entropy needs logits (..., K) and labels (...), got {logits.shape} and {labels.shape}")
    labels, wrong = labels_below("cross_entropy", labels, logits.shape[-1])
    log_p = log_softmax(logits)
    losses = -xp.take_along_axis(log_p, labels[..., None], axis=-1)
    scale = _scale(reduction, labels.size)
    return nan_if(wrong, losses.sum() * scale), (log_p, labels, scale)


def cross_entropy_backward(cache: Cache, dloss: float | Array = 1) -> Array:
    """d_logits (..., K) = (softmax - one_hot(label)) * scale * dloss."""
    (log_p, labels, scale), dloss = cache, factor_of("cross_entropy", dloss)
    xp = array_module(log_p, labels)
    d_logits = xp.exp(log_p)
    one_hot = labels[..., None] == xp.arange(log_p.shape[-1])
    d_logits -= one_hot
    d_logits *= scale * dloss
    return d_logits


def smooth_l1(pred: Array, target: Array, *, reduction: str = "mean") -> tuple[Array, Cache]:
    """0.5 d^2 where |d| < 1, |d| - 0.5 elsewhere, d = pred - target of the same shape -> loss, cache.

    Quadratic near 0, linear far out, so that outliers do not dominate (Girshick 2015).  The slope is d clipped to
    [-1, 1], and with it both branches are slope (d - slope / 2).
    """
    module_of("smooth_l1", pred=pred)
    xp, target = array_module(pred, target), target_of("smooth_l1", target, pred)
    if pred.shape != target.shape:
        raise ValueError(f"smooth_l1 needs equal shapes, got {pred.shape} and {target.shape}")
    d = pred - target
    slope = xp.clip(d, -1, 1)
    losses = slope * (d - 0.5 * slope)
    scale = _scale(reduction, d.size)
    return losses.sum() * scale, (slope, scale)


def smooth_l1_backward(cache: Cache, dloss: float | Array = 1) -> Array:
    """d_pred, of the shape of pred: the slope, d clipped to [-1, 1], times scale and dloss."""
    (slope, scale), dloss = cache, factor_of("smooth_l1", dloss)
    return array_module(slope).multiply(slope, scale * dloss, dtype=slope.dtype)


def binary_cross_entropy(
    logits: Array, target: Array, *, weight: Array | None = None, reduction: str = "mean"
) -> tuple[Array, Cache]:
    """-t log p - (1 - t) log(1 - p), p = sigmoid(z), for logits z and targets t in [0, 1], or bool, of one shape.

    weight: what to multiply the term of each entry by; broadcast to their shape, numbers or bool.

    log p = z - s and log(1 - p) = -s with s = log(1 + exp(z)), so a term is s - t z; and
    s = max(z, 0) + log(1 + exp(-|z|)), which cannot overflow.
    """
    module_of("binary_cross_entropy", logits=logits)
    xp, target = array_module(logits, target), target_of("binary_cross_entropy", target, logits)
    if logits.shape != target.shape:
        raise ValueError(f"binary_cross_entropy needs equal shapes, got {logits.shape} and {target.shape}")
    wrong = refuse("binary_cross_entropy", ~((target >= 0) & (target <= 1)), target, "targets from 0 to 1")
    losses = xp.maximum(logits, 0) + xp.log1p(xp.exp(-xp.abs(logits))) - logits * target
    if weight is not None:
        weight = target_of("binary_cross_entropy", weight, logits)
        axes = zip(weight.shape[::-1], losses.shape[::-1])
        if weight.ndim > losses.ndim or any(size not in (1, whole) for size, whole in axes):
            raise ValueError(f"binary_cross_entropy: weight {weight.shape} does not fit logits {losses.shape}")
        losses *= weight
    scale = _scale(reduction, logits.size)
    return nan_if(wrong, losses.sum() * scale), (logits, target, weight, scale)


def binary_cross_entropy_backward(cache: Cache, dloss: float | Array = 1) -> Array:
    """d_logits = (sigmoid(logits) - target) * weight * scale * dloss, in the shape of the logits."""
    (logits, target, weight, scale), dloss = cache, factor_of("binary_cross_entropy", dloss)
    d_logits, _ = sigmoid(logits)
    d_logits -= target
    if weight is not None:
        d_logits *= weight
    d_logits *= scale * dloss
    return d_logits


def _scale(reduction, count):
    if reduction not in ("mean", "sum"):
        raise ValueError(f'reduction must be "mean" or "sum", got {reduction!r}')
    return 1.0 / max(count, 1) if reduction == "mean" else 1.0
