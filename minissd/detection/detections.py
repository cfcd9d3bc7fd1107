"""From the output of the network to detections (SSD notes, "Results": score 0.01, NMS 0.45, the best 200).

Symbols: N images, P default boxes, C classes without background, M scores above the threshold, K candidates.
"""

from functools import partial

import numpy as np

from minissd.backend import array_module, to_numpy
from minissd.detection.boxes import Detections, clip, decode, to_corners
from minissd.detection.nms import first_survivors, survivors
from minissd.ops.softmax import softmax


def detections_from(
    offsets, logits, default_boxes, score_threshold=0.01, iou_threshold=0.45, candidates=400, limit=200
):
    """One `Detections` for each image, from what an SSD puts out.

    offsets (N, P, 4), logits (N, P, C + 1), default_boxes (P, 4) centers.  Scores are softmax probabilities; corners
    are clipped to the image; the rest as in `best_of_each_class`.
    """

    def corners_of(image, box):
        return clip(to_corners(decode(offsets[image, box], default_boxes[box])))

    scores = array_module(logits).moveaxis(softmax(logits), -1, 1)[:, 1:]  # (N, C, P)
    return best_of_each_class(scores, corners_of, score_threshold, iou_threshold, candidates, limit)


def best_of_each_class(scores, corners_of, score_threshold, iou_threshold, candidates, limit):
    """One `Detections` for each image, in host memory, best first.

    scores (N, C, P) of P boxes; corners_of(image, box): indices (...) twice -> corners (..., 4).  For each class of
    each image the `candidates` best boxes with a score above `score_threshold` go through NMS (the notes leave this
    number out); then the `limit` best of the image are kept.  Of equal scores the lower class, then the lower box
    comes first.
    """
    settings = score_threshold, iou_threshold, candidates, limit
    if array_module(scores) is np:
        return [_of_one_image(one, partial(corners_of, image), *settings) for image, one in enumerate(scores)]
    return _of_all_images(scores, corners_of, *settings)


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
    """On the card: every class of every image is a set of its own, and all sets go through NMS side by side."""
    xp = array_module(scores)
    images, classes, boxes = scores.shape
    scores = scores.reshape(-1)  # (N*C*P,)
    found = xp.flatnonzero(scores > score_threshold)  # (M,)
    if len(found) == 0:
        nothing = np.zeros((0, 4), scores.dtype), np.zeros(0, np.int64), np.zeros(0, scores.dtype)
        return [Detections(*nothing)] * images
    scores = scores[found]
    group, box = found // boxes, found % boxes  # group: image * classes + label

    picks, counts = _best_of_groups(scores, group, images * classes, candidates)  # (N*C, K)
    corners = corners_of(group[picks] // classes, box[picks])  # (N*C, K, 4)
    real = xp.arange(picks.shape[1]) < counts[:, None]  # padding comes last and so removes nothing real
    stays = survivors(corners, iou_threshold) & real

    scores = xp.where(stays, scores[picks], 0).reshape(images, -1)  # (N, C*K)
    best = xp.argsort(-scores, axis=1, kind="stable")[:, :limit]  # (N, limit)
    scores = to_numpy(xp.take_along_axis(scores, best, axis=1))
    corners = to_numpy(xp.take_along_axis(corners.reshape(images, -1, 4), best[..., None], axis=1))
    labels = to_numpy(best // picks.shape[1])
    kept = np.count_nonzero(scores, axis=1)
    return [Detections(corners[n, :k], labels[n, :k], scores[n, :k]) for n, k in enumerate(kept)]


def _best_of_groups(scores, group, groups, most):
    """The entries of each group, best first, at most `most` of them.

    scores, group: (M,) -> picks (groups, K), indices into them, of which counts (groups,) are real, the rest
    of a row being padding.
    """
    xp = array_module(scores, group)
    order = xp.lexsort(xp.stack([-scores, group.astype(scores.dtype)]))  # by group, then best first
    counts = xp.bincount(group, minlength=groups)
    first = xp.cumsum(counts) - counts
    counts = xp.minimum(counts, most)
    width = int(to_numpy(counts.max()))
    places = first[:, None] + xp.arange(width)
    return order[xp.minimum(places, len(order) - 1)], counts
