"""Scores of what a network says: of classes, numbers and masks; and, from `minissd.detection`, of boxes."""

from minissd.detection import average_precision, evaluate_detections
from minissd.metrics.boxes import METRICS, score_boxes
from minissd.metrics.classification import accuracy, confusion_matrix, recalls
from minissd.metrics.coco import Extents, coco_metrics
from minissd.metrics.regression import explained, mean_absolute_error
from minissd.metrics.segmentation import overlaps, score_masks
from minissd.metrics.thresholds import AtThreshold, at_threshold, best_thresholds

SCORES = ("mAP", "accuracy", "mean_iou", "explained")  # what a validation may be scored by: of each task one

__all__ = [
    "METRICS",
    "SCORES",
    "AtThreshold",
    "Extents",
    "accuracy",
    "at_threshold",
    "average_precision",
    "best_thresholds",
    "coco_metrics",
    "confusion_matrix",
    "evaluate_detections",
    "explained",
    "mean_absolute_error",
    "overlaps",
    "recalls",
    "score_boxes",
    "score_masks",
]
