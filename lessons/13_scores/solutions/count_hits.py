import numpy as np

from minissd.detection import iou


def count_hits(corners, scores, objects):
    hit, taken = np.zeros(len(scores), bool), np.zeros(len(objects), bool)
    if len(objects) == 0:
        return hit
    overlaps = iou(corners, objects)  # (K, G)
    for k in np.argsort(-scores, kind="stable"):
        best = overlaps[k].argmax()
        if overlaps[k, best] >= 0.5 and not taken[best]:
            hit[k] = taken[best] = True
    return hit
