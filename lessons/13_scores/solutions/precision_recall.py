import numpy as np


def precision_recall(hits, objects):
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    recall = found / max(objects, 1)
    return precision, recall
