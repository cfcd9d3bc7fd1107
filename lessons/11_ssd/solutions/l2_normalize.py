import numpy as np


def l2_normalize(x, scale, eps=1e-10):
    squares = (x * x).sum(axis=-1, keepdims=True)
    return scale * x / np.sqrt(squares + eps)
