import numpy as np


def iou(a, b):
    left, top = (np.maximum(a[:, None, k], b[None, :, k]) for k in (0, 1))  # (A, B)
    right, bottom = (np.minimum(a[:, None, k], b[None, :, k]) for k in (2, 3))
    shared = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    area_a, area_b = ((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) for box in (a, b))
    union = area_a[:, None] + area_b[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
