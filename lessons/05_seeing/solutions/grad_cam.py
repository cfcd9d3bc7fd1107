import numpy as np


def grad_cam(maps, gradients, relu):
    alpha = gradients.mean(axis=(0, 1))  # (D,)
    total = (alpha * maps).sum(axis=-1)  # (H, W)
    return np.maximum(total, 0) if relu else total
