"""YOLO's cells: what they should say of the objects, and what they say (Redmon et al. 2016, section 2).

The image is cut into S x S cells.  The cell in which the centre of an object lies answers for it, with B predictors.

    label of an object in row i, column j:    x = S c_x - j,  y = S c_y - i,  w,  h
    output of a predictor:                    x, y, sqrt(w), sqrt(h), confidence

x and y are relative to the cell, w and h to the image.  The network outputs the square roots themselves, as the
released one does: a root of a prediction, which may be negative, is never taken, and decoding squares it.

With anchors (a_w, a_h) for each predictor, as later versions have them, sizes are relative to the anchor instead:
sqrt(w / a_w), sqrt(h / a_h).  An object then belongs to the predictor whose anchor it overlaps most, and every
predictor says classes of its own; without, the predictors of a cell share one object and one set of classes.

Symbols: N images, S cells a side, B predictors in a cell, G objects, C classes; A answers in a cell for which there
are labels: 1, or B with anchors.
"""

from numbers import Integral

import numpy as np
import numpy.typing as npt

from minissd.detection.boxes import Detections, as_boxes, clip, iou, to_centers, to_corners
from minissd.detection.detections import best_of_each_class
from minissd.device import Array, array_module


def encode_cells(
    corners: np.ndarray,
    labels: np.ndarray,
    side: int,
    anchors: np.ndarray | None = None,
    dtype: npt.DTypeLike = np.float32,
) -> tuple[np.ndarray, np.ndarray]:
    """The labels of one image, on the host: what cells and predictors should say.

    corners (G, 4), labels (G,) in 0..C-1, anchors None or (B, 2).  Returns class_targets (S, S, A) int64, 0 where
    there is no object and label + 1 otherwise, and box_targets (S, S, A, 4) with x, y, w, h as above.

    Of several objects that one place should answer for, the first in the list stays and the others are lost, as in
    the released network (which shuffles them first): see `kept_objects`.
    """
    if not isinstance(side, Integral) or side < 1:
        raise ValueError(f"cells: side must be a whole number from 1 on, got {side}")
    array_module(corners, labels, anchors)
    if getattr(labels, "shape", ()) != corners.shape[:1] or (
        len(labels) and (labels.dtype.kind not in "iu" or labels.min() < 0)
    ):
        raise ValueError("encode_cells needs labels (G,) of integers from 0 on, one for each of the corners (G, 4)")
    answers = 1 if anchors is None else len(anchors)
    class_targets = np.zeros(side * side * answers, dtype=np.int64)
    box_targets = np.zeros((side * side * answers, 4), dtype=dtype)
    kept = kept_objects(corners, side, anchors)
    centers = to_centers(corners[kept].astype(np.float64))
    places, cells = _places(centers, side, anchors)
    class_targets[places] = labels[kept].astype(np.int64) + 1
    box_targets[places, :2] = centers[:, :2] * side - cells
    box_targets[places, 2:] = centers[:, 2:]
    return class_targets.reshape(side, side, answers), box_targets.reshape(side, side, answers, 4)


def kept_objects(corners: np.ndarray, side: int, anchors: np.ndarray | None = None) -> np.ndarray:
    """Indices, in order, of the objects (G, 4) that have a place of their own; the others are lost."""
    if not isinstance(side, Integral) or side < 1 or (anchors is not None and np.shape(anchors)[1:] != (2,)):
        raise ValueError(
            f"cells: side must be a whole number from 1 on and anchors None or (B, 2), got {side}, {anchors}"
        )
    corners = as_boxes("cells: corners", corners, axes=2)
    if not (np.isfinite(corners).all() and (corners >= -1).all() and (corners <= 2).all()):
        raise ValueError("cells: corners must be finite and in parts of the image, 0..1: divide pixels by its size")
    places, _ = _places(to_centers(corners.astype(np.float64)), side, anchors)
    _, first = np.unique(places, return_index=True)
    return np.sort(first)


def _places(centers, side, anchors):
    """Index of each object's place among all S * S * A, and its cell (column, row): (G,), (G, 2)."""
    cells = np.clip(np.floor(centers[:, :2] * side), 0, side - 1).astype(np.int64)  # a centre at 1 is in the last
    places = cells[:, 1] * side + cells[:, 0]
    if anchors is None:
        return places, cells
    shapes, anchor_shapes = (np.concatenate([0 * sizes, sizes], axis=1) for sizes in (centers[:, 2:], anchors))
    best = iou(to_corners(shapes), to_corners(anchor_shapes)).argmax(axis=1)  # both around one point
    return places * len(anchors) + best, cells


def decode_cells(boxes: Array, anchors: Array | None = None) -> Array:
    """What the predictors say: boxes (N, S, S, B, 5) -> centers (N, S, S, B, 4), relative to the image."""
    xp = array_module(boxes)
    if getattr(boxes, "ndim", 0) != 5 or boxes.shape[1] != boxes.shape[2] or boxes.shape[4] != 5:
        raise ValueError(f"decode_cells needs boxes (N, S, S, B, 5), got {getattr(boxes, 'shape', ())}")
    side = boxes.shape[1]
    along = xp.arange(side, dtype=boxes.dtype)
    c_x = (boxes[..., 0] + along[:, None]) / side  # column j
    c_y = (boxes[..., 1] + along[:, None, None]) / side  # row i
    sizes = decode_sizes(boxes[..., 2:4], anchors)
    return xp.stack([c_x, c_y, sizes[..., 0], sizes[..., 1]], axis=-1)


def decode_sizes(roots: Array, anchors: Array | None = None) -> Array:
    """(..., B, 2) square roots -> w and h relative to the image."""
    sizes = roots * roots
    return sizes if anchors is None else sizes * anchors


def cell_detections(
    boxes: Array,
    classes: Array,
    anchors: Array | None = None,
    score_threshold: float = 0.01,
    iou_threshold: float = 0.45,
    candidates: int = 400,
    limit: int = 200,
) -> list[Detections]:
    """One `Detections` for each image, from what a YOLO outputs.

    boxes (N, S, S, B, 5), classes (N, S, S, A, C).  The score of a class is confidence * class probability; both are
    plain numbers of a linear layer, so each is cut to 0..1 first (of two negative ones the product would be
    positive).  Corners are clipped to the image; the rest as in `best_of_each_class`.
    """
    xp = array_module(boxes, classes)
    fit = boxes.ndim == classes.ndim == 5 and boxes.shape[4] == 5 and boxes.shape[:3] == classes.shape[:3]
    if not fit or classes.shape[3] not in (1, boxes.shape[3]):
        raise ValueError(
            f"cell_detections needs boxes (N, S, S, B, 5), classes (N, S, S, A, C), got {boxes.shape}, {classes.shape}"
        )
    if boxes.dtype.kind != "f" or (anchors is not None and anchors.shape != (boxes.shape[3], 2)):
        raise ValueError(f"cell_detections needs floats, and as many anchors as predictors, {boxes.shape[3]}, if any")
    scores = xp.clip(boxes[..., 4:], 0, 1) * xp.clip(classes, 0, 1)  # (N, S, S, B, C)
    corners = clip(to_corners(decode_cells(boxes, anchors)))
    corners = corners.reshape(len(boxes), boxes.shape[1] * boxes.shape[2] * boxes.shape[3], 4)  # (N, P, 4)
    scores = xp.moveaxis(scores.reshape(*corners.shape[:2], scores.shape[-1]), -1, 1)  # (N, C, P)
    at = lambda image, box: corners[image, box]  # noqa: E731
    return best_of_each_class(scores, at, score_threshold, iou_threshold, candidates, limit)
