import numpy as np

from minissd.detection import iou


def nms(corners, scores, iou_threshold=0.45):
    order = np.argsort(-scores)  # best first
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[iou(corners[[best]], corners[rest])[0] <= iou_threshold]
    return np.array(kept, dtype=int)
