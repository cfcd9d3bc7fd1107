"""Average precision and recall of boxes as COCO counts them: the twelve figures of its detection challenge.

Lin et al. 2014 (Microsoft COCO) and the evaluation code published with it.  What differs from PASCAL VOC
(`minissd.detection.metrics`):

- Figures are means over the ten overlaps .5, .55, ..., .95; precision is read at the 101 recalls 0, .01, ..., 1.
- Detections take their turn, the best score first.  Each takes the object of its class that it overlaps most among
  those that are not taken yet, where VOC holds it against the one it overlaps most of all.
- Of an image and a class only the best hundred detections count.
- A crowd region may be taken any number of times, and the overlap with it is the share of the *detection* that lies
  inside.  What takes it is neither hit nor false alarm, as with objects that are `difficult` or not of the size that is
  asked for; but other objects come first.
- Objects are small, medium or large by their area in pixels, and so are the detections that took none: of another
  size than the one asked for, they do not count.

Runs on the host.  Symbols: N images, C classes, K detections and G objects of all images, S sizes, T overlaps,
P pairs of a detection and an object of its class and image.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minissd.detection.boxes import Detections, Objects
from minissd.detection.metrics import checked_parts

OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
SIZES = {"all": (0, 1e10), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}  # pixels, inclusive
LIMITS = (1, 10, 100)  # detections of an image and a class


class Extents(NamedTuple):
    """What COCO's figures need of an image besides its Objects."""

    size: tuple[float, float]  # width and height of the image in pixels
    areas: np.ndarray  # (G,) of the objects in square pixels: of their outlines, where these are known
    crowd: np.ndarray  # (G,) bool: a region of many objects under one box

    @classmethod
    def of_boxes(cls, size: tuple[float, float], corners: np.ndarray) -> "Extents":
        """Where no outlines are known and no crowds marked; corners (G, 4) in parts of the image."""
        corners = np.asarray(corners, np.float64)
        sides = np.round((corners[:, 2:] - corners[:, :2]) * size, 3)  # whole pixels, in float32, are whole again
        return cls(size, sides.prod(axis=1), np.zeros(len(sides), bool))


def coco_metrics(
    detections: Sequence[Detections], objects: Sequence[Objects], extents: Sequence[Extents], classes: Sequence[str]
) -> dict[str, Any]:
    """The figures of a whole data set, as they go into metrics.json.

    detections, objects, extents: one of each for an image, in the same order; corners in parts of the image; classes:
    the names of labels 0..C-1.  Returns {"mAP", "AP": {class: float}, "recall", "method": "coco", "coco": {name:
    float}}: "coco" has the twelve figures by name, mAP is its AP, "AP" the part that each class has in it, and recall
    its AR100.  NaN stands where there is no object; classes without one stay out of all means.
    """
    classes = tuple(classes)
    if not len(detections) == len(objects) == len(extents):
        given = f"{len(detections)}, {len(objects)} and {len(extents)}"
        raise ValueError(f"detections, objects and extents must be of the same images, got {given}")
    if not classes or len(set(classes)) < len(classes):
        raise ValueError(f"classes must be the names of labels 0..C-1, each once, got {classes}")
    found = _found_in_groups(detections, extents, len(classes))
    truth = _truth_in_groups(objects, extents, len(classes))
    matched, ignored = _match(found, truth)
    ap = np.full((len(classes), len(SIZES), len(OVERLAPS)), np.nan)
    ar = np.full((len(classes), len(SIZES), len(LIMITS)), np.nan)
    for label in range(len(classes)):
        mine = np.flatnonzero(found.group % len(classes) == label)
        mine = mine[np.argsort(-found.scores[mine], kind="stable")]  # (K of the class,)
        to_find = (truth.group % len(classes) == label) & ~truth.ignored  # (S, G)
        for s in np.flatnonzero(to_find.any(axis=1)):
            total = int(np.count_nonzero(to_find[s]))
            hits = matched[s][:, mine] & ~ignored[s][:, mine]  # (T, K of the class)
            ap[label, s] = _average_precisions(hits, ~matched[s][:, mine] & ~ignored[s][:, mine], total)
            ar[label, s] = [np.mean(hits[:, found.rank[mine] < limit].sum(axis=1) / total) for limit in LIMITS]
    figures = _figures(ap, ar)
    return {
        "mAP": figures["AP"],
        "AP": dict(zip(classes, ap[:, 0].mean(axis=1).tolist(), strict=True)),
        "recall": figures["AR100"],
        "method": "coco",
        "coco": figures,
    }


def _figures(ap, ar):
    """The twelve by name, from ap (C, S, T) and ar (C, S, limits), NaN where a class has no object of a size."""
    ap_of, ar_of = dict(zip(SIZES, np.moveaxis(ap, 1, 0))), dict(zip(SIZES, np.moveaxis(ar, 1, 0)))
    figures = {"AP": ap_of["all"], "AP50": ap_of["all"][:, 0], "AP75": ap_of["all"][:, 5]}
    figures |= {f"AP{size}": ap_of[size] for size in ("small", "medium", "large")}
    figures |= {f"AR{limit}": ar_of["all"][:, i] for i, limit in enumerate(LIMITS)}
    figures |= {f"AR{size}": ar_of[size][:, -1] for size in ("small", "medium", "large")}
    there = {name: values[~np.isnan(values)] for name, values in figures.items()}
    return {name: float(values.mean()) if len(values) else float("nan") for name, values in there.items()}


def _average_precisions(hits, false_alarms, total):
    """hits and false_alarms (T, K), best score first; total: objects to find -> AP at each overlap (T,)."""
    tp, fp = np.cumsum(hits, axis=1), np.cumsum(false_alarms, axis=1)
    precision = tp / np.maximum(tp + fp, 1)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]  # the highest at any recall as high
    precision = np.hstack([precision, np.zeros((len(tp), 1))])  # recalls that are never reached
    reached = [np.searchsorted(recall, RECALLS) for recall in tp / total]  # (T, 101)
    return np.take_along_axis(precision, np.array(reached), axis=1).mean(axis=1)


class _Found(NamedTuple):
    """The K detections that count, by groups (those of one image and class), the best first."""

    group: np.ndarray  # (K,) image * C + label
    rank: np.ndarray  # (K,) place in the group, from 0
    corners: np.ndarray  # (K, 4) pixels
    scores: np.ndarray  # (K,)


class _Truth(NamedTuple):
    """The G objects, by groups."""

    group: np.ndarray  # (G,)
    corners: np.ndarray  # (G, 4) pixels
    crowd: np.ndarray  # (G,) bool
    ignored: np.ndarray  # (S, G) bool: nobody has to find it among those of this size


def _found_in_groups(detections, extents, class_count):
    parts = [checked_parts(one, f"detections of image {n}", class_count) for n, one in enumerate(detections)]
    group, corners, scores = _in_pixels(parts, extents, class_count)
    order = np.lexsort((-scores, group))  # stable: of equal scores the first comes first
    group = group[order]
    rank = np.arange(len(group)) - np.searchsorted(group, group)
    order, group, rank = (part[rank < LIMITS[-1]] for part in (order, group, rank))
    return _Found(group, rank, corners[order], scores[order])


def _truth_in_groups(objects, extents, class_count):
    parts = [checked_parts(one, f"objects of image {n}", class_count) for n, one in enumerate(objects)]
    for n, ((_, labels, _), extent) in enumerate(zip(parts, extents, strict=True)):
        if not np.shape(extent.areas) == np.shape(extent.crowd) == labels.shape:
            raise ValueError(f"extents of image {n} must have an area and a crowd flag for each of its objects")
    group, corners, difficult = _in_pixels(parts, extents, class_count)
    areas = np.concatenate([np.zeros(0), *(one.areas for one in extents)])
    crowd = np.concatenate([np.zeros(0, bool), *(np.asarray(one.crowd, bool) for one in extents)])
    ignored = _of_other_size(areas) | difficult.astype(bool) | crowd
    order = np.argsort(group, kind="stable")
    return _Truth(group[order], corners[order], crowd[order], ignored[:, order])


def _in_pixels(parts, extents, class_count):
    """[(corners, labels, third) of each image] -> group, corners in pixels, third; of all images together."""
    sides = np.array([one.size for one in extents], np.float64).reshape(-1, 2)
    image = np.repeat(np.arange(len(parts)), [len(labels) for _, labels, _ in parts])
    corners, labels, third = (np.concatenate(part) for part in zip(_NOTHING, *parts, strict=True))
    return image * class_count + labels, corners * np.tile(sides[image], 2), third


_NOTHING = np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0)


def _of_other_size(areas):
    """(A,) square pixels -> (S, A) bool."""
    low, high = np.array(list(SIZES.values()))[:, :, None].transpose(1, 0, 2)  # (S, 1)
    return (areas < low) | (areas > high)


def _match(found, truth):
    """matched and ignored, both (S, T, K) bool: whether a detection took an object, and whether it does not count.

    In round r the r-th detections of all groups choose at the same time, for all sizes and overlaps: they have
    different objects to choose from.  Only pairs that overlap by .5 take part, so that the rounds are few.
    """
    shape = len(SIZES), len(OVERLAPS)
    matched, ignored = np.zeros((*shape, len(found.group)), bool), np.zeros((*shape, len(found.group)), bool)
    detection, object_, overlap = _overlapping_pairs(found, truth)
    pairs = len(overlap)
    by_overlap = np.lexsort((object_, overlap))  # of equal overlaps the later object wins
    place = np.empty(pairs, np.int64)
    place[by_overlap] = np.arange(pairs)
    taken = np.zeros((*shape, len(truth.group)), bool)
    enough = overlap >= OVERLAPS[:, None]  # (T, P)
    for chosen in _rounds(detection, found.group):
        theirs, one = object_[chosen], detection[chosen]
        first = np.flatnonzero(np.diff(one, prepend=-1))  # where the pairs of each detection begin
        possible = enough[:, chosen] & (~taken[:, :, theirs] | truth.crowd[theirs])  # (S, T, pairs of the round)
        preference = place[chosen] + pairs * ~truth.ignored[:, None, theirs]  # what has to be found comes first
        best = np.maximum.reduceat(np.where(possible, preference, -1), first, axis=2)  # (S, T, detections)
        size, at, which = np.nonzero(best >= 0)
        took = object_[by_overlap[best[size, at, which] % pairs]]
        taken[size, at, took] = True
        matched[size, at, one[first][which]] = True
        ignored[size, at, one[first][which]] = truth.ignored[size, took]
    width, height = (found.corners[:, 2:] - found.corners[:, :2]).T
    ignored |= ~matched & _of_other_size(width * height)[:, None]
    return matched, ignored


def _overlapping_pairs(found, truth):
    """(detection, object, overlap), each (P,): the pairs of one group that overlap by .5, by detections."""
    begin, end = (np.searchsorted(truth.group, found.group, side) for side in ("left", "right"))
    count = end - begin
    detection = np.repeat(np.arange(len(count)), count)
    object_ = np.arange(len(detection)) + np.repeat(begin - np.cumsum(count) + count, count)
    a, b = found.corners[detection], truth.corners[object_]
    inside = np.maximum(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0).prod(axis=1)
    a_area, b_area = ((box[:, 2:] - box[:, :2]).prod(axis=1) for box in (a, b))
    union = np.where(truth.crowd[object_], a_area, a_area + b_area - inside)
    overlap = np.divide(inside, union, out=np.zeros_like(inside), where=inside > 0)
    close = overlap >= OVERLAPS[0]
    return detection[close], object_[close], overlap[close]


def _rounds(detection, group):
    """Yield the pairs (indices) of the first detections that overlap anything in their group, of the second, ..."""
    one, number_of = np.unique(detection, return_inverse=True)
    turn = np.arange(len(one)) - np.searchsorted(group[one], group[one])
    turn = turn[number_of]  # (P,)
    order = np.argsort(turn, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(turn[order])) + 1) if len(order) else ()
