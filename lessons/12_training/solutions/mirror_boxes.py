import numpy as np


def mirror_boxes(corners):
    left, top, right, bottom = corners.T
    return np.stack([1 - right, top, 1 - left, bottom], axis=1)
