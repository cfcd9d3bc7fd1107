"""From what the network says of every default box to a few detections."""

import numpy as np

from minissd.detection import decode, nms, to_corners
from minissd.ops import softmax


def detect(offsets, logits, default_boxes, score_threshold=0.01, iou_threshold=0.45, most=200):
    """The detections in one image -> (corners (K, 4), labels (K,), scores (K,)), best score first.

    offsets: (P, 4), logits: (P, C + 1), column 0 background, default_boxes: (P, 4) centers.

    1. Boxes: decode the offsets, make corners of them and clip these to the image, 0..1.
    2. Scores: softmax of the logits.  Background is not reported: labels are 0..C-1, for columns 1..C.
    3. Class by class: boxes with a score above `score_threshold` go through NMS with `iou_threshold`.
    4. The `most` best detections of all classes together stay.

    decode(offsets, default_boxes) gives centers (P, 4), to_corners(centers) corners, softmax(logits) probabilities, and
    nms(corners, scores, iou_threshold) the indices of the boxes that stay.
    """
    raise NotImplementedError("boxes, scores, NMS for each class, the best of all")
