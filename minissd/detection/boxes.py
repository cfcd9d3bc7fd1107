"""Boxes: two ways to write them, how much they overlap, and the offsets that a network predicts.

Boxes are float arrays (..., 4), normalised to the image:

    corners = x_min, y_min, x_max, y_max        centers = c_x, c_y, w, h

Corners are continuous edges, so a width is x_max - x_min with no +1.  The formulas hold in pixels as well: boxes of
integers, whole pixels, are taken as float64.  What cannot be boxes is refused (`as_boxes`).
"""

from typing import Any, NamedTuple

import numpy as np

from minissd.device import Array, array_module

VARIANCES = (0.1, 0.2)  # what the offsets of centres and of sizes are divided by
LARGEST_LOG_SIZE = 10.0  # 22,000 times the default box: decode stops there, so that exp never overflows


class Detections(NamedTuple):
    """What was found in one image, best first."""

    corners: np.ndarray  # (K, 4)
    labels: np.ndarray  # (K,) integers, 0..C-1
    scores: np.ndarray  # (K,)


class Objects(NamedTuple):
    """What is there in one image: the ground truth."""

    corners: np.ndarray  # (G, 4)
    labels: np.ndarray  # (G,) integers, 0..C-1
    difficult: np.ndarray  # (G,) bool: evaluation neither rewards nor punishes finding these


def to_corners(centers: Array) -> Array:
    """(c_x, c_y, w, h) -> (x_min, y_min, x_max, y_max), both (..., 4)."""
    c_x, c_y, w, h = _split(as_boxes("to_corners: centers", centers))
    return _join(c_x - w / 2, c_y - h / 2, c_x + w / 2, c_y + h / 2)


def to_centers(corners: Array) -> Array:
    """(x_min, y_min, x_max, y_max) -> (c_x, c_y, w, h), both (..., 4)."""
    left, top, right, bottom = _split(as_boxes("to_centers: corners", corners))
    return _join((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def clip(corners: Array) -> Array:
    """Corners (..., 4), normalised to the image, moved to its border where they lie outside."""
    if as_boxes("clip: corners", corners) is not corners:
        raise TypeError(
            "clip takes boxes in parts of the image, 0..1; these are integers: divide by its width and height"
        )
    return array_module(corners).clip(corners, 0, 1)


def iou(a: Array, b: Array) -> Array:
    """Intersection over union (Jaccard overlap) of every box of `a` with every box of `b`.

    Corners (..., A, 4) and (..., B, 4), with x_min <= x_max and y_min <= y_max -> (..., A, B) in [0, 1].
    Boxes that do not touch, and boxes of no extent, have overlap 0, never NaN; a NaN among the corners stays one.

        |A n B| / |A u B|,   |A u B| = |A| + |B| - |A n B|          (Jaccard index)
    """
    xp = array_module(a, b)
    a, b = (as_boxes(f"iou: {name}", boxes, axes=2) for name, boxes in (("a", a), ("b", b)))
    _check_together("iou: a and b", a.shape[:-2], b.shape[:-2])
    _check_order("iou", a, b)
    b_columns = [xp.ascontiguousarray(column) for column in _split(b)]  # the inner loops run along these
    a_left, a_top, a_right, a_bottom = (column[..., :, None] for column in _split(a))  # (..., A, 1)
    b_left, b_top, b_right, b_bottom = (column[..., None, :] for column in b_columns)  # (..., 1, B)
    a_area = (a_right - a_left) * (a_bottom - a_top)
    a_area += xp.finfo(a.dtype).tiny  # so that 0 / 0 becomes 0 / tiny
    b_area = (b_right - b_left) * (b_bottom - b_top)

    intersection = xp.minimum(a_right, b_right)  # (..., A, B), in turn: right edge, width, area, overlap
    intersection -= xp.maximum(a_left, b_left)
    height = xp.minimum(a_bottom, b_bottom)
    height -= xp.maximum(a_top, b_top)
    xp.maximum(intersection, 0, out=intersection)  # the two are disjoint where an extent is negative
    xp.maximum(height, 0, out=height)
    intersection *= height
    union = a_area + b_area  # (..., A, B)
    union -= intersection
    intersection /= union
    return intersection


def encode(objects: Array, default_boxes: Array, variances: tuple[float, float] = VARIANCES) -> Array:
    """The offsets that turn default boxes into objects: what the network has to learn.

    Centers (..., 4) in, offsets (..., 4) out.  Objects must have an extent (the log of their size is taken).

        t_cx = (g_cx - d_cx) / d_w / 0.1        t_cy = (g_cy - d_cy) / d_h / 0.1
        t_w  = log(g_w / d_w) / 0.2             t_h  = log(g_h / d_h) / 0.2

    Liu et al. 2016 (SSD), equation 2, divided by the variances 0.1 and 0.2, which bring the targets to a spread of
    about 1; the paper does not print them, every published SSD has them.
    """
    xp = array_module(objects, default_boxes)
    objects, default_boxes = as_boxes("encode: objects", objects), as_boxes("encode: default_boxes", default_boxes)
    _check_together("encode: objects and default_boxes", objects.shape, default_boxes.shape)
    _check_variances(variances)
    _check_extent("encode: objects", objects)
    _check_extent("encode: default_boxes", default_boxes)
    g_cx, g_cy, g_w, g_h = _split(objects)
    d_cx, d_cy, d_w, d_h = _split(default_boxes)
    t_cx, t_cy = (g_cx - d_cx) / d_w / variances[0], (g_cy - d_cy) / d_h / variances[0]
    t_w, t_h = xp.log(g_w / d_w) / variances[1], xp.log(g_h / d_h) / variances[1]
    return _join(t_cx, t_cy, t_w, t_h)


def decode(offsets: Array, default_boxes: Array, variances: tuple[float, float] = VARIANCES) -> Array:
    """Predicted offsets (..., 4) back to boxes, the inverse of `encode`: centers out."""
    xp = array_module(offsets, default_boxes)
    offsets, default_boxes = as_boxes("decode: offsets", offsets), as_boxes("decode: default_boxes", default_boxes)
    _check_together("decode: offsets and default_boxes", offsets.shape, default_boxes.shape)
    _check_variances(variances)
    t_cx, t_cy, t_w, t_h = _split(offsets)
    d_cx, d_cy, d_w, d_h = _split(default_boxes)
    w = d_w * xp.exp(xp.minimum(t_w * variances[1], LARGEST_LOG_SIZE))
    h = d_h * xp.exp(xp.minimum(t_h * variances[1], LARGEST_LOG_SIZE))
    return _join(d_cx + t_cx * variances[0] * d_w, d_cy + t_cy * variances[0] * d_h, w, h)


def as_boxes(what: str, boxes: Any, axes: int = 1) -> Array:
    """An array (..., 4) of at least so many axes as boxes of floats; integers become float64.

    what: whose boxes they are, for the message.  Raises ValueError for another shape, TypeError for what is no array
    of numbers.
    """
    array_module(boxes)
    shape: tuple[int, ...] = getattr(boxes, "shape", ())
    if len(shape) < axes or shape[-1] != 4:
        raise ValueError(f"{what} must be boxes {'(..., 4)' if axes == 1 else '(..., N, 4)'}, got {shape}")
    if boxes.dtype.kind not in "fiu":
        raise TypeError(f"{what} must be boxes of floats or integers, got {boxes.dtype}")
    return boxes if boxes.dtype.kind == "f" else boxes.astype(np.float64)


def _check_together(what, *shapes):
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"{what} do not go together: {' and '.join(map(str, shapes))}") from None


def _check_variances(variances):
    if len(variances) != 2 or not all(0 < one < np.inf for one in variances):
        raise ValueError(f"variances must be two positive numbers, of centres and of sizes, got {variances}")


def _check_order(what, *sets):
    """ValueError for corners that cannot be any; in host memory alone, for a GPU would have to be waited for."""
    for corners in sets:
        if isinstance(corners, np.ndarray) and (corners[..., 2:] < corners[..., :2]).any():
            raise ValueError(
                f"{what} takes corners, but in some box x_max < x_min or y_max < y_min: to_corners turns centers into "
                "corners"
            )


def _check_extent(what, centers):
    """ValueError for centers without a width or height, likewise."""
    if isinstance(centers, np.ndarray) and (centers[..., 2:] <= 0).any():
        raise ValueError(f"{what} are centers c_x, c_y, w, h, and some w or h is not positive: leave such boxes out")


def _split(boxes):
    """(..., 4) -> its four columns, each (...)."""
    return [boxes[..., column] for column in range(4)]


def _join(*columns):
    """Four columns (...) -> (..., 4), each column in one piece, for all that follows runs along the columns."""
    xp = array_module(*columns)
    return xp.moveaxis(xp.stack(columns), 0, -1)
