"""What should each default box predict?"""

import numpy as np

from minissd.detection import encode, iou, to_centers, to_corners
from minissd.detection.matching import best_free_boxes


def match(objects_corners, labels, default_boxes, threshold=0.5):
    """The targets of one image: what every default box should predict.

    1. Each object takes its own box (`best_free_boxes`), however small the overlap.
    2. Each further box that overlaps some object by more than the threshold answers for the one it overlaps most.
    Where they disagree, rule 1 has the last word.

    objects_corners (G, 4), G > 0; labels (G,) in 0..C-1; default_boxes (P, 4) c_x, c_y, w, h.  Returns class_targets
    (P,) integers, 0 for background and label + 1 otherwise, and offset_targets (P, 4), 0 for background.
    `iou(corners, corners)` -> (G, P); `best_free_boxes(overlaps)` -> (G,), a box for each object, -1 for none;
    `encode(objects, default_boxes)` takes centers (n, 4) twice -> (n, 4).
    """
    raise NotImplementedError("follow both rules, then fill in the targets")
