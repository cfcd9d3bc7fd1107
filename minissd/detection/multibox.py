"""The multibox loss and its gradient (Liu et al. 2016, SSD, section 2.2, equations 1 to 3).

    L = (L_conf + alpha * L_loc) / M          M: matched default boxes of the whole batch

    L_loc  = sum over matched boxes of smooth_L1(offsets - offset_targets)
    L_conf = sum over matched boxes and hard negatives of -log softmax(logits)[class target]

A matched box is a positive; all others are background, the negatives.  The paper takes hard negatives in proportion to
the matched boxes of the same image, so an image without an object teaches nothing.  With `if_none` it counts as an
image with that many matched boxes, in its hard negatives and in M: 0 is the paper's rule, training takes 10 by default.

Symbols: N images, P default boxes, C classes (class 0 of the C + 1 is background), M matched boxes.
Nothing here waits for the device: masks go into `where` and products, never into an index.
"""

from typing import Any, NamedTuple

from minissd.arguments import factor_of, labels_below, module_of, nan_if
from minissd.device import Array, array_module
from minissd.engine import log_softmax, smooth_l1, smooth_l1_backward

NEGATIVES = {"paper": 0, "every-image": 10}  # names of rules: if_none


class MultiboxCache(NamedTuple):
    """What backward needs, and for the log the two parts of loss = confidence + alpha * localization."""

    localization: Array  # 0-d, L_loc / M
    confidence: Array  # 0-d, L_conf / M
    localization_scale: Array  # 0-d, alpha / M
    smooth_l1_cache: tuple
    log_p: Array  # (N, P, C + 1)
    class_targets: Array  # (N, P)
    box_weight: Array  # (N, P): 1 / M for the boxes that count in L_conf, 0 for the rest


def hard_negatives(conf_loss: Array, positive: Array, ratio: int = 3, if_none: int = 0) -> Array:
    """Hard negative mining: of the negatives of each image the ratio * positives with the highest loss.

    conf_loss, positive: (N, P), or (P,) for one image -> bool mask of the same shape, True for exactly
    min(ratio * positives, negatives) negatives of each image, where one without positives counts as one with `if_none`;
    of equal losses the first are taken.

    Thousands of easy background boxes would drown the few matched ones.  So the negatives of each image are sorted by
    their confidence loss, and only the hardest count (SSD paper, section 2.2).
    """
    xp = array_module(conf_loss, positive)
    boxes = conf_loss.shape[-1]
    loss = xp.where(positive, -xp.inf, conf_loss)  # positives sort last
    positives = positive.sum(axis=-1, keepdims=True)  # (N, 1)
    wanted = xp.minimum(ratio * xp.where(positives > 0, positives, if_none), boxes - positives)

    rank = xp.minimum(boxes - wanted, boxes - 1)  # of the wanted-th highest loss, ascending; the last if none is wanted
    threshold = xp.take_along_axis(xp.sort(loss, axis=-1), rank, axis=-1)  # (N, 1)
    harder, tied = ~(loss <= threshold), loss == threshold  # harder: NaN too, so that the loss shows it
    room = wanted - harder.sum(axis=-1, keepdims=True)  # for those that equal the threshold
    return harder | (tied & (xp.cumsum(tied, axis=-1) <= room))


def match_count(class_targets: Array, if_none: int = 0) -> Array:
    """M of a batch, what its loss is divided by; class_targets (N, P) -> 0-d."""
    positives = (class_targets > 0).sum(axis=-1)  # (N,)
    return array_module(class_targets).where(positives > 0, positives, if_none).sum()


def multibox_loss(
    offsets: Array,
    logits: Array,
    offset_targets: Array,
    class_targets: Array,
    alpha: float = 1.0,
    negative_ratio: int = 3,
    matched: int | None = None,
    if_none: int = 0,
) -> tuple[Any, MultiboxCache]:
    """The SSD loss of a batch.

    offsets, offset_targets (N, P, 4); logits (N, P, C + 1); class_targets (N, P) integers, 0 = background.
    Returns (loss, cache): loss a 0-d array, 0 if M is 0; cache.localization and cache.confidence are its two parts, for
    the log.  matched: M, where these images are a part of a larger batch; the losses of all parts then add up to the
    loss of the batch.  if_none: 0 for the paper's rule.
    """
    xp, alpha = array_module(offsets, logits, offset_targets, class_targets), float(alpha)
    module_of("multibox_loss", offsets=offsets, logits=logits)
    _check_shapes(offsets, logits, offset_targets, class_targets)
    class_targets, wrong = labels_below("multibox_loss", class_targets, logits.shape[-1])
    positive = class_targets > 0  # (N, P)
    count = match_count(class_targets, if_none) if matched is None else xp.asarray(matched)
    per_match = 1 / xp.maximum(count, 1).astype(logits.dtype)  # 1 / M; with M = 0 both sums are 0

    masked_targets = xp.where(positive[..., None], offset_targets, offsets)  # background: no difference, hence no loss
    localization, smooth_l1_cache = smooth_l1(offsets, masked_targets, reduction="sum")

    log_p = log_softmax(logits)  # (N, P, C + 1)
    conf_loss = -xp.take_along_axis(log_p, class_targets[..., None], axis=-1)[..., 0]  # (N, P)
    counted = positive | hard_negatives(conf_loss, positive, negative_ratio, if_none)
    confidence = nan_if(wrong, xp.where(counted, conf_loss, 0).sum())

    cache = MultiboxCache(
        localization=localization * per_match,
        confidence=confidence * per_match,
        localization_scale=alpha * per_match,
        smooth_l1_cache=smooth_l1_cache,
        log_p=log_p,
        class_targets=class_targets,
        box_weight=counted * per_match,
    )
    return cache.confidence + alpha * cache.localization, cache


def multibox_loss_backward(cache: MultiboxCache, dloss: float | Array = 1) -> tuple[Array, Array]:
    """Gradients of `multibox_loss`: d_offsets (N, P, 4), d_logits (N, P, C + 1).

    The choice of the hard negatives is held fixed: it is piecewise constant in the logits.
    """
    xp, dloss = array_module(cache.log_p), factor_of("multibox_loss", dloss)
    # (1) localization: clip(offsets - targets, -1, 1) * alpha / M, the difference being 0 for background
    d_offsets = smooth_l1_backward(cache.smooth_l1_cache, cache.localization_scale * dloss)
    # (2) confidence: (softmax(logits) - one_hot(target)) / M for the boxes that count, 0 for the rest
    d_logits = xp.exp(cache.log_p)
    classes = xp.arange(d_logits.shape[-1]).reshape(-1, 1, 1)
    one_hot = xp.moveaxis(classes == cache.class_targets, 0, -1)  # classes outermost in memory, as in log_p
    d_logits -= one_hot
    d_logits *= (cache.box_weight * dloss)[..., None]
    return d_offsets, d_logits


def _check_shapes(offsets, logits, offset_targets, class_targets):
    images_boxes = class_targets.shape
    fit = offsets.shape == offset_targets.shape == (*images_boxes, 4) and logits.shape[:-1] == images_boxes
    if not fit or len(images_boxes) != 2 or not images_boxes[1]:
        shapes = f"{offsets.shape}, {logits.shape}, {offset_targets.shape} and {images_boxes}"
        raise ValueError(
            "multibox_loss needs offsets (N, P, 4), logits (N, P, C + 1), offset_targets (N, P, 4) and "
            f"class_targets (N, P), got {shapes}"
        )
