"""Non-maximum suppression: of boxes that show the same thing the best one stays.

A box goes where its IoU with a better one is above tau, not where it equals tau, as in the original SSD.

Two ways to the same answer.  `first_survivors` takes blocks of boxes, best first, compares each with what has stayed
so far and stops when enough have: the least work, but the next step hangs on the last.  The GPU would wait for the
host at every step, so there `survivors` compares all with all, many sets side by side, and never looks: two kernels,
whose twin in plain arrays stands with them.
"""

import numpy as np

from minissd.detection.boxes import as_boxes, iou
from minissd.device import Array, array_module
from minissd.engine.cuda import on_card
from minissd.engine.cuda.nms import OVERLAP_BITS, SURVIVORS, WORD

BLOCK = 128  # boxes looked at together: fewer cost more calls, more are compared with boxes that are going to go


def nms(
    corners: Array,
    scores: Array,
    iou_threshold: float = 0.45,
    score_threshold: float | None = None,
    top_k: int | None = None,
) -> Array:
    """Indices of the boxes that stay, best first.

    corners (K, 4), scores (K,), of any kind: probabilities or logits.  Only boxes that score at least
    `score_threshold` take part (None: all), and of these only the `top_k` best; of equal scores the first counts as
    better.  A box goes when a better box that stays overlaps it by more than `iou_threshold`.  Raises ValueError for
    numbers that are not finite; on a GPU, where nobody looks, a box whose score is NaN takes no part.
    """
    xp = array_module(corners, scores)
    corners, scores = _checked(as_boxes("nms: corners", corners, axes=2), scores)
    if not iou_threshold >= 0 or (top_k is not None and top_k < 0):
        raise ValueError(f"nms: iou_threshold {iou_threshold} and top_k {top_k} must not be negative")
    order = xp.argsort(-scores, kind="stable")[:top_k]
    order = order[scores[order] >= (-np.inf if score_threshold is None else score_threshold)]
    if xp is np:
        return order[first_survivors(corners[order], np.zeros(len(order), np.int64), iou_threshold, len(order))]
    return order[survivors(corners[order], iou_threshold)]


def _checked(corners, scores):
    """The two as they are, scores of integers as float64; ValueError or TypeError if they do not go together."""
    shape = getattr(scores, "shape", ())
    if len(shape) != 1 or corners.shape != (*shape, 4):
        raise ValueError(f"nms needs corners (K, 4) and scores (K,), got {corners.shape} and {shape}")
    if scores.dtype.kind not in "fiu":
        raise TypeError(f"nms needs scores that are floats or integers, got {scores.dtype}")
    if isinstance(scores, np.ndarray) and not (np.isfinite(corners).all() and not np.isnan(scores).any()):
        raise ValueError(
            "nms: some corners are not finite, or some scores are NaN: the network that made them diverged"
        )
    return corners, scores if scores.dtype.kind == "f" else scores.astype(np.float64)


def first_survivors(corners: Array, labels: Array, iou_threshold: float, limit: int) -> Array:
    """Indices of the boxes that stay, at most the first `limit` of them.

    corners (K, 4), labels (K,), best first.  Only boxes of one label can be in each other's way; with all labels in one
    list, the work ends with the last box that is wanted, and most boxes are never looked at.
    """

    def too_close(some, others):
        same_label = labels[some][:, None] == labels[others]
        return same_label & (iou(corners[some], corners[others]) > iou_threshold)

    stay = np.zeros(0, np.int64)
    for start in range(0, len(corners), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(corners)))
        block = block[~too_close(stay, block).any(axis=0)]
        among_themselves = np.triu(too_close(block, block), 1)  # only the worse of two can be removed
        free = np.ones(len(block), dtype=bool)
        stay = np.concatenate([stay, block[_settle(free, among_themselves.astype(corners.dtype))]])
        if len(stay) >= limit:
            break
    return stay[:limit]


def survivors(corners: Array, iou_threshold: float) -> Array:
    """Which boxes stay: corners (..., K, 4), best first -> (..., K) bool.  Leading axes: independent sets."""
    xp = array_module(corners)
    count = corners.shape[-2]
    stays = xp.ones(corners.shape[:-1], dtype=bool)
    if on_card(corners) and stays.size:
        words = -(-count // WORD)
        bits = xp.empty((*corners.shape[:-1], words), dtype=np.uint32)  # (..., K, W)
        OVERLAP_BITS(xp.ascontiguousarray(corners), iou_threshold, count, words, bits)
        return SURVIVORS(bits, count, words, stays, size=stays.size // count)
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        too_close = iou(corners[..., start:stop, :], corners[..., start:, :]) > iou_threshold  # (..., B, R)
        worse = xp.arange(start, count) > xp.arange(start, stop)[:, None]  # (B, R): only those can be removed
        too_close = (too_close & worse).astype(corners.dtype)  # for the matrix products below
        within = xp.ascontiguousarray(too_close[..., : stop - start])  # (..., B, B)
        stays[..., start:stop] = _settle(stays[..., start:stop], within)
        stays[..., stop:] &= _clashes(stays[..., start:stop], too_close[..., stop - start :]) == 0
    return stays


def _settle(free, too_close):
    """Which boxes of a block stay, among themselves: free (..., B) bool, too_close (..., B, B) -> (..., B) bool.

    too_close[i, j]: 1 if box i would remove the worse box j.  A free box stays if no better box that stays is too
    close.  Taken as an update rule this settles the first box at once and at least one more in each round; usually a
    few rounds settle all.
    """
    stays = free
    for _ in range(free.shape[-1]):
        before, stays = stays, free & (_clashes(stays, too_close) == 0)
        if (stays == before).all():
            break
    return stays


def _clashes(stays, too_close):
    """How many of the boxes that stay each box is too close to: (..., B) bool, (..., B, R) -> (..., R)."""
    return (stays.astype(too_close.dtype)[..., None, :] @ too_close)[..., 0, :]
