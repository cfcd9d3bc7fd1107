import numpy as np

from minissd.detection import encode, iou, to_centers, to_corners
from minissd.detection.matching import best_free_boxes


def match(objects_corners, labels, default_boxes, threshold=0.5):
    overlaps = iou(objects_corners, to_corners(default_boxes))  # (G, P)
    object_of = np.where(overlaps.max(axis=0) > threshold, overlaps.argmax(axis=0), -1)  # (P,), rule 2
    for g, box in enumerate(best_free_boxes(overlaps)):  # rule 1
        if box >= 0:
            object_of[box] = g
    matched = object_of >= 0
    class_targets = np.zeros(len(default_boxes), dtype=int)
    offset_targets = np.zeros(default_boxes.shape)
    class_targets[matched] = labels[object_of[matched]] + 1
    offset_targets[matched] = encode(to_centers(objects_corners)[object_of[matched]], default_boxes[matched])
    return class_targets, offset_targets
