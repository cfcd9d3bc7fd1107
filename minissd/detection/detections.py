"""From the output of the network to detections (Liu et al. 2016, SSD, section 3.7: score 0.01, NMS 0.45, the best 200).

Symbols: N images, P default boxes, C classes without background, M scores above the threshold, K candidates.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from minissd.detection.boxes import Detections, clip, decode, to_corners
from minissd.detection.suppression import first_survivors, survivors
from minissd.device import Array, array_module, to_numpy
from minissd.engine import softmax
from minissd.errors import MinissdError

NOT_FINITE = "the network answers with numbers that are not finite: its weights are damaged, or its training diverged"


def detections_from(
    offsets: Array,
    logits: Array,
    default_boxes: Array,
    score_threshold: float = 0.01,
    iou_threshold: float = 0.45,
    candidates: int = 400,
    limit: int = 200,
    clip_first: bool = True,
) -> list[Detections]:
    """One `Detections` for each image, from what an SSD outputs.

    offsets (N, P, 4), logits (N, P, C + 1), default_boxes (P, 4) centers.  Scores are softmax probabilities; corners
    are clipped to the image; the rest as in `best_of_each_class`.

    clip_first: NMS compares boxes clipped to the image, so that what lies outside of it does not count, as in
    torchvision.  The released SSD and ssd.pytorch compare them as they are predicted, and clip what stays.
    """
    array_module(offsets, logits, default_boxes)
    if logits.dtype.kind != "f":
        raise TypeError(f"detections_from needs logits of floats, got {logits.dtype}")
    images_boxes = logits.shape[:-1]
    if (*images_boxes, 4) != offsets.shape or images_boxes[1:] != default_boxes.shape[:1] or logits.shape[-1] < 2:
        shapes = f"{offsets.shape}, {logits.shape} and {default_boxes.shape}"
        raise ValueError(
            f"detections_from needs offsets (N, P, 4), logits (N, P, C + 1) and default_boxes (P, 4), got {shapes}"
        )

    def corners_of(image, box):
        corners = to_corners(decode(offsets[image, box], default_boxes[box]))
        return clip(corners) if clip_first else corners

    scores = array_module(logits).moveaxis(softmax(logits), -1, 1)[:, 1:]  # (N, C, P)
    found = best_of_each_class(scores, corners_of, score_threshold, iou_threshold, candidates, limit)
    return found if clip_first else [one._replace(corners=clip(one.corners)) for one in found]


def best_of_each_class(
    scores: Array, corners_of: Callable, score_threshold: float, iou_threshold: float, candidates: int, limit: int
) -> list[Detections]:
    """One `Detections` for each image, in host memory, best first.

    scores (N, C, P) of P boxes; corners_of(image, box): indices (...) twice -> corners (..., 4).  For each class of
    each image the `candidates` best boxes with a score above `score_threshold` go through NMS (400 as in
    the released SSD); then the `limit` best of the image are kept.  Of equal scores the lower class, then the lower box
    comes first.  MinissdError for numbers that are not finite: they would read as nothing found.
    """
    if not (score_threshold >= 0 and iou_threshold >= 0 and candidates >= 1 and limit >= 1):
        raise ValueError(
            f"score_threshold {score_threshold} and iou_threshold {iou_threshold} must not be negative, candidates "
            f"{candidates} and limit {limit} be at least 1"
        )
    settings = score_threshold, iou_threshold, candidates, limit
    if array_module(scores) is np:
        if np.isnan(scores).any():
            raise MinissdError(NOT_FINITE)
        found = [_of_one_image(one, partial(corners_of, image), *settings) for image, one in enumerate(scores)]
    else:
        found = _of_all_images(scores, corners_of, *settings)
    if not all(np.isfinite(part).all() for one in found for part in (one.corners, one.scores)):
        raise MinissdError(NOT_FINITE)
    return found


def _of_one_image(scores, corners_of, score_threshold, iou_threshold, candidates, limit):
    """On the CPU: all classes in one list, best first, so that NMS can stop at the last detection that is wanted."""
    box_count, scores = scores.shape[1], scores.reshape(-1)  # (C*P,)
    found = np.flatnonzero(scores > score_threshold)  # (M,)
    found = found[np.argsort(-scores[found], kind="stable")]
    labels, boxes = np.divmod(found, box_count)
    allowed = _first_of_each(labels, candidates)
    scores, labels, corners = scores[found[allowed]], labels[allowed], corners_of(boxes[allowed])
    kept = first_survivors(corners, labels, iou_threshold, limit)
    return Detections(corners[kept], labels[kept], scores[kept])


def _first_of_each(labels, most):
    """Mask (M,) of the first `most` entries of each label."""
    first = np.ones(len(labels), dtype=bool)
    for label in np.flatnonzero(np.bincount(labels) > most):
        first[np.flatnonzero(labels == label)[most:]] = False
    return first


def _of_all_images(scores, corners_of, score_threshold, iou_threshold, candidates, limit):
    """On the GPU: every class of every image is a set of its own, and all sets go through NMS side by side.

    How many scores are above the threshold the host never asks, for it would have to wait for the answer.  Every set
    has K candidates; those that are not above it get the score 0, which puts them last, where they remove nothing real,
    and are left out at the end.  One that is NaN becomes infinite: it comes first, and is noticed on the host.  The
    detections are copied to the host in one piece.
    """
    xp = array_module(scores)
    images = len(scores)
    scores = xp.where(xp.isnan(scores), np.inf, xp.where(scores > score_threshold, scores, 0))  # (N, C, P)
    box = xp.argsort(-scores, axis=-1, kind="stable")[..., :candidates]  # (N, C, K)
    scores = xp.take_along_axis(scores, box, axis=-1)
    corners = corners_of(xp.arange(images)[:, None, None], box)  # (N, C, K, 4)
    stays = survivors(corners, iou_threshold)

    scores = xp.where(stays, scores, 0).reshape(images, -1)  # (N, C*K)
    best = xp.argsort(-scores, axis=1, kind="stable")[:, :limit]  # (N, limit)
    scores = xp.take_along_axis(scores, best, axis=1)
    corners = xp.take_along_axis(corners.reshape(images, -1, 4), best[..., None], axis=1)
    labels = (best // box.shape[-1]).astype(scores.dtype)  # exact: the classes are few
    found = to_numpy(xp.concatenate([corners, labels[..., None], scores[..., None]], axis=-1))  # (N, limit, 6)
    return [Detections(one[:, :4], one[:, 4].astype(np.int64), one[:, 5]) for one in map(_real, found)]


def _real(found):
    """Of one image's detections (limit, 6), best first, those with a score."""
    return found[: np.count_nonzero(found[:, 5])]
