"""Which default box answers for which object (Liu et al. 2016, SSD, section 2.2, "Matching strategy").

Two rules, both needed:
1. bipartite: each object takes the default box it overlaps best, so that no object goes unlearned;
2. threshold: each further default box that overlaps some object by more than the threshold answers for the
   object it overlaps most, which gives the network many more boxes to learn from.

Symbols: P default boxes, G objects.
"""

import numpy as np

from minissd.detection.boxes import as_boxes, encode, iou, to_centers, to_corners
from minissd.device import Array, array_module


def match(objects_corners: Array, labels: Array, default_boxes: Array, threshold: float = 0.5) -> tuple[Array, Array]:
    """Targets of one image: what every default box should predict.

    objects_corners (G, 4); labels (G,) in 0..C-1; default_boxes (P, 4) centers.  Returns class_targets (P,)
    int64, 0 for background and label + 1 otherwise, and offset_targets (P, 4) in the dtype of the default
    boxes, 0 for background.  G = 0 makes everything background.
    """
    xp = array_module(objects_corners, labels, default_boxes)
    default_boxes = as_boxes("match: default_boxes", default_boxes, axes=2)
    _check_objects(objects_corners, labels, default_boxes)
    if not 0 <= threshold <= 1:
        raise ValueError(f"match: threshold must be an IoU in 0..1, got {threshold}")
    class_targets = xp.zeros(len(default_boxes), dtype=np.int64)
    offset_targets = xp.zeros_like(default_boxes)
    if len(labels) == 0:
        return class_targets, offset_targets

    objects_corners = objects_corners.astype(default_boxes.dtype, copy=False)
    object_of = assign_objects(iou(objects_corners, to_corners(default_boxes)), threshold)  # (P,)
    matched = xp.flatnonzero(object_of >= 0)  # few: only these are encoded
    object_of = object_of[matched]
    class_targets[matched] = labels[object_of].astype(np.int64) + 1
    offset_targets[matched] = encode(to_centers(objects_corners)[object_of], default_boxes[matched])
    return class_targets, offset_targets


def _check_objects(corners, labels, default_boxes):
    """ValueError or TypeError for what would leave objects unlearned; only in host memory are the numbers looked at."""
    shapes = getattr(corners, "shape", ()), getattr(labels, "shape", ())
    if len(shapes[1]) != 1 or shapes[0] != (*shapes[1], 4) or default_boxes.ndim != 2 or len(default_boxes) == 0:
        raise ValueError(
            f"match needs objects_corners (G, 4) and labels (G,), got {shapes[0]} and {shapes[1]}, and default_boxes "
            f"(P, 4), got {default_boxes.shape}"
        )
    if labels.dtype.kind not in "iu" and len(labels):
        raise TypeError(f"match needs labels of integers, got {labels.dtype}")
    if not isinstance(corners, np.ndarray) or len(labels) == 0:
        return
    if labels.min() < 0:
        raise ValueError(f"match: label {labels.min()} is below 0: labels count from 0, without background")
    if not np.isfinite(corners).all():
        raise ValueError("match: some objects_corners are not finite: leave such objects out")
    if corners.max() > 10 * default_boxes.max(initial=1):
        raise ValueError(
            "match: objects_corners are in pixels, the default boxes in parts of the image: divide by its size"
        )


def assign_objects(overlaps: Array, threshold: float = 0.5) -> Array:
    """The object that each default box answers for, -1 for none.  overlaps (G, P), G > 0 -> (P,) int64."""
    xp = array_module(overlaps)
    object_of = xp.full(overlaps.shape[1], -1, dtype=np.int64)
    above = xp.flatnonzero(overlaps.max(axis=0) > threshold)
    object_of[above] = overlaps[:, above].argmax(axis=0)  # rule 2

    own_box = best_free_boxes(overlaps)
    served = xp.flatnonzero(own_box >= 0)
    object_of[own_box[served]] = served  # rule 1 overrides rule 2
    return object_of


def best_free_boxes(overlaps: Array) -> Array:
    """Rule 1, greedily: overlaps (G, P) -> (G,) int64, the default box of each object, -1 for none.

    The largest overlap of the whole matrix is matched first, and its object and its box leave the matrix.  So two
    objects that share a best box both get one, and an object that overlaps nothing gets none (an argmax over its
    zeros would have given it box 0).
    """
    xp = array_module(overlaps)
    count, boxes = overlaps.shape
    overlaps = overlaps.copy()
    own_box = xp.full(count, -1, dtype=np.int64)
    for _ in range(count):
        winner = overlaps.argmax()
        row, box = winner // boxes, winner % boxes
        own_box[row] = xp.where(overlaps[row, box] > 0, box, own_box[row])
        overlaps[row] = 0
        overlaps[:, box] = 0
    return own_box
