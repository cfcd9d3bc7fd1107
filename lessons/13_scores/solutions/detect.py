import numpy as np

from minissd.detection import decode, nms, to_corners
from minissd.ops import softmax


def detect(offsets, logits, default_boxes, score_threshold=0.01, iou_threshold=0.45, most=200):
    boxes = np.clip(to_corners(decode(offsets, default_boxes)), 0, 1)  # (P, 4)
    probabilities = softmax(logits)  # (P, C + 1)
    found = []
    for label in range(logits.shape[1] - 1):
        scores = probabilities[:, label + 1]
        likely = np.flatnonzero(scores > score_threshold)
        kept = likely[nms(boxes[likely], scores[likely], iou_threshold)]
        found.append((boxes[kept], np.full(len(kept), label), scores[kept]))
    corners, labels, scores = map(np.concatenate, zip(*found))
    best = np.argsort(-scores)[:most]
    return corners[best], labels[best], scores[best]
