"""Scores of what a network says: of classes, numbers and masks; and, from `minissd.detection`, of boxes."""

from minissd.detection import average_precision, evaluate_detections
from minissd.metrics.classification import accuracy, confusion_matrix, recalls
from minissd.metrics.regression import explained, mean_absolute_error
from minissd.metrics.segmentation import overlaps, score_masks

__all__ = [
    "accuracy",
    "average_precision",
    "confusion_matrix",
    "evaluate_detections",
    "explained",
    "mean_absolute_error",
    "overlaps",
    "recalls",
    "score_masks",
]
