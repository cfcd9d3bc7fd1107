"""Non-maximum suppression: of boxes that show the same thing the best one stays.

Lecture, "Non-Max. Suppression".  Its algorithm removes a box at IoU >= tau, its text at IoU > tau; here it is
IoU > tau, as in the original SSD.
"""

import numpy as np

from minissd.backend import array_module
from minissd.detection.boxes import iou

BLOCK = 128  # boxes whose overlaps with all others are held at once: bounds the memory


def nms(corners, scores, iou_threshold=0.45, score_threshold=0.0, top_k=None):
    """Indices of the boxes that stay, best first.

    corners (K, 4), scores (K,).  Only boxes that score at least `score_threshold` take part, and of these
    only the `top_k` best; of equal scores the first counts as better.  A box goes when a better box that
    stays overlaps it by more than `iou_threshold`.
    """
    if corners.shape != (*scores.shape, 4):
        raise ValueError(f"nms needs corners (K, 4) and scores (K,), got {corners.shape} and {scores.shape}")
    xp = array_module(corners, scores)
    order = xp.argsort(-scores, kind="stable")[:top_k]
    order = order[scores[order] >= score_threshold]
    return order[survivors(corners[order], iou_threshold)]


def survivors(corners, iou_threshold):
    """Which boxes stay: corners (..., K, 4), best first -> (..., K) bool.  Leading axes: independent sets."""
    xp = array_module(corners)
    count = corners.shape[-2]
    stays = xp.ones(corners.shape[:-1], dtype=bool)
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        too_close = iou(corners[..., start:stop, :], corners[..., start:, :]) > iou_threshold  # (..., B, R)
        worse = xp.arange(start, count) > xp.arange(start, stop)[:, None]  # (B, R): only those can be removed
        too_close = (too_close & worse).astype(corners.dtype)  # for the matrix products below
        within = xp.ascontiguousarray(too_close[..., : stop - start])  # (..., B, B)
        stays[..., start:stop] = _settle(stays[..., start:stop], within)
        stays[..., stop:] &= _clashes(stays[..., start:stop], too_close[..., stop - start :]) == 0
    return stays


def _settle(stays, too_close):
    """Which boxes of a block stay, among themselves: stays (..., B) bool, too_close (..., B, B) -> (..., B).

    A box stays if no better box that stays is too close.  Taken as an update rule this settles the first box
    at once and at least one more in each round; usually a few rounds settle all.  The CPU looks whether they
    have and stops; the card goes through all rounds, for looking would mean waiting for it in each.
    """
    xp = array_module(stays)
    free = stays
    for _ in range(free.shape[-1]):
        before, stays = stays, free & (_clashes(stays, too_close) == 0)
        if xp is np and (stays == before).all():
            break
    return stays


def _clashes(stays, too_close):
    """How many of the boxes that stay each box is too close to: (..., B) bool, (..., B, R) -> (..., R)."""
    return (stays.astype(too_close.dtype)[..., None, :] @ too_close)[..., 0, :]


def survivors_of_groups(corners, counts, iou_threshold):
    """`survivors` of padded sets: corners (S, K, 4), of which counts (S,) are real -> (S, K), padding False.

    The card takes all sets in one go, for what costs there is the number of operations.  The CPU takes one
    set after the other and skips the padding, for what costs there is the number of boxes.
    """
    xp = array_module(corners, counts)
    real = xp.arange(corners.shape[1]) < counts[:, None]
    if xp is not np:
        return survivors(corners, iou_threshold) & real  # padding comes last and so removes nothing real
    for group, count in enumerate(counts):
        real[group, :count] = survivors(corners[group, :count], iou_threshold)
    return real
