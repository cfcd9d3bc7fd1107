import numpy as np


def smooth_l1_gradient(pred, target):
    d = pred - target
    return np.clip(d, -1, 1)
