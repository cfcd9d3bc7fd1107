"""Pure maths on boxes: default boxes, matching, the multibox loss, non-maximum suppression, metrics."""

from minissd.detection.boxes import Detections, Objects, clip, decode, encode, iou, to_centers, to_corners
from minissd.detection.default_boxes import (
    SSD300,
    SSD300_SSD_PYTORCH,
    SSD300_TORCHVISION,
    SSD512,
    DefaultBoxSpec,
    MapSpec,
    default_boxes,
    scales,
)
from minissd.detection.detections import detections_from
from minissd.detection.matching import match
from minissd.detection.metrics import (
    Curve,
    average_precision,
    evaluate_detections,
    judge,
    precision_recall_curves,
)
from minissd.detection.multibox import hard_negatives, multibox_loss, multibox_loss_backward
from minissd.detection.nms import nms

__all__ = [
    "SSD300",
    "SSD300_SSD_PYTORCH",
    "SSD300_TORCHVISION",
    "SSD512",
    "Curve",
    "DefaultBoxSpec",
    "Detections",
    "MapSpec",
    "Objects",
    "average_precision",
    "clip",
    "decode",
    "default_boxes",
    "detections_from",
    "encode",
    "evaluate_detections",
    "hard_negatives",
    "iou",
    "judge",
    "match",
    "multibox_loss",
    "multibox_loss_backward",
    "nms",
    "precision_recall_curves",
    "scales",
    "to_centers",
    "to_corners",
]
