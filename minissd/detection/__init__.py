"""Pure maths on boxes: default boxes, matching, the multibox loss, non-maximum suppression, metrics."""

from minissd.detection.boxes import Detections, Objects, clip, decode, encode, iou, to_centers, to_corners
from minissd.detection.detections import detections_from
from minissd.detection.fitting import Coverage, coverage, fit_boxes
from minissd.detection.map_spec import MapSpec, ShapedMap
from minissd.detection.matching import match
from minissd.detection.metrics import (
    Curve,
    average_precision,
    evaluate_detections,
    judge,
    precision_recall_curves,
)
from minissd.detection.multibox import (
    NEGATIVES,
    hard_negatives,
    match_count,
    multibox_loss,
    multibox_loss_backward,
)
from minissd.detection.suppression import nms
from minissd.detection.tiling import (
    SSD300,
    SSD300_SSD_PYTORCH,
    SSD300_TORCHVISION,
    SSD512,
    DefaultBoxSpec,
    default_boxes,
    scales,
)
from minissd.detection.yolo_cells import cell_detections, decode_cells, encode_cells, kept_objects
from minissd.detection.yolo_losses import Assignment, assign_predictors, yolo_loss, yolo_loss_backward

__all__ = [
    "NEGATIVES",
    "SSD300",
    "SSD300_SSD_PYTORCH",
    "SSD300_TORCHVISION",
    "SSD512",
    "Assignment",
    "Coverage",
    "Curve",
    "DefaultBoxSpec",
    "Detections",
    "MapSpec",
    "Objects",
    "ShapedMap",
    "assign_predictors",
    "average_precision",
    "cell_detections",
    "clip",
    "coverage",
    "decode",
    "decode_cells",
    "default_boxes",
    "detections_from",
    "encode",
    "encode_cells",
    "evaluate_detections",
    "fit_boxes",
    "hard_negatives",
    "iou",
    "judge",
    "kept_objects",
    "match",
    "match_count",
    "multibox_loss",
    "multibox_loss_backward",
    "nms",
    "precision_recall_curves",
    "scales",
    "to_centers",
    "to_corners",
    "yolo_loss",
    "yolo_loss_backward",
]
