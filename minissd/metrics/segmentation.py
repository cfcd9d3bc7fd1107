"""Segmentation: the loss of a map of logits, and the scores of a set of masks.

A mask (H, W) uint8 says of each pixel what it shows: 0 background, k = 1..C the k-th class, VOID what nobody can tell
(VOC draws it around every object) and what is neither learned nor scored.
N batch, H W size of the maps, C classes without background.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minissd.arguments import Cache, factor_of, labels_below, nan_if
from minissd.device import Array, array_module
from minissd.engine import binary_cross_entropy, binary_cross_entropy_backward
from minissd.metrics.classification import confusion_matrix

VOID = 255
LIKELY = 0.5  # from this probability on a pixel belongs to a class


def known_pixels(masks: Array) -> int:
    """How many pixels are not void."""
    return int((masks != VOID).sum())


def mask_loss(logits: Array, masks: Array, size: int | None = None) -> tuple[Array, Cache]:
    """Binary cross-entropy of each class against all else, the mean over known pixels and classes -> loss, cache.

    logits (N, H, W, C), masks (N, H, W).  size: the known pixels to divide by, those of the masks unless given.
    """
    xp = array_module(logits, masks)
    classes = logits.shape[-1]
    if logits.shape[:-1] != masks.shape:
        raise ValueError(f"mask_loss needs logits (N, H, W, C) and masks (N, H, W), got {logits.shape}, {masks.shape}")
    _, wrong = labels_below("mask_loss", masks, classes + 1, void=VOID)
    target = masks[..., None] == xp.arange(1, classes + 1)  # (N, H, W, C) bool
    known = (masks != VOID)[..., None]
    total, cache = binary_cross_entropy(logits, target, weight=known, reduction="sum")
    scale = 1 / max((known_pixels(masks) if size is None else size) * classes, 1)
    return nan_if(wrong, total * scale), (cache, scale)


def mask_loss_backward(cache: Cache, dloss: float | Array = 1) -> Array:
    """d_logits (N, H, W, C)."""
    entropy_cache, scale = cache
    return binary_cross_entropy_backward(entropy_cache, factor_of("mask_loss", dloss) * scale)


def mask_from(probabilities: Array) -> Array:
    """(H, W, C) of each class against all else, 0..1 -> mask (H, W) uint8: the likeliest class, if it is LIKELY."""
    return np.where(probabilities.max(axis=-1) >= LIKELY, probabilities.argmax(axis=-1) + 1, 0).astype(np.uint8)


def pixel_confusion(predicted: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """(C+1, C+1) counts of the known pixels of one image: row the true class, column the predicted one; 0 background.

    predicted, truth: masks (H, W).
    """
    known = truth != VOID
    return confusion_matrix(predicted[known].astype(np.int64), truth[known].astype(np.int64), classes + 1)


def overlaps(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """IoU and Dice of every class, background first: two arrays (C+1,), NaN for a class in neither mask.

    matrix: (C+1, C+1) counts, over all images of a set as VOC adds them up.  With the hits on the diagonal,
    IoU = hits / (true + predicted - hits) and Dice = 2 hits / (true + predicted).
    """
    hits, both = np.diagonal(matrix), matrix.sum(axis=0) + matrix.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return hits / (both - hits), 2 * hits / both


def score_masks(predicted: Sequence[np.ndarray], truth: Sequence[np.ndarray], classes: Sequence[str]) -> dict[str, Any]:
    """The figures of a set: lists of masks (H, W), each pair of one size; classes: names -> what metrics.json holds.

    The mean is that of the classes which occur.  VOC's own mean counts the background as one class more.
    """
    matrix = sum(
        (pixel_confusion(found, mask, len(classes)) for found, mask in zip(predicted, truth, strict=True)),
        start=np.zeros((len(classes) + 1,) * 2, np.int64),
    )
    iou, dice = overlaps(matrix)
    occurs = ~np.isnan(iou[1:])
    return {
        "mean_iou": float(iou[1:][occurs].mean()) if occurs.any() else float("nan"),
        "iou": dict(zip(classes, iou[1:].tolist(), strict=True)),
        "dice": dict(zip(classes, dice[1:].tolist(), strict=True)),
        "background_iou": float(iou[0]),
        "pixel_accuracy": float(np.trace(matrix) / matrix.sum()) if matrix.any() else float("nan"),
    }
