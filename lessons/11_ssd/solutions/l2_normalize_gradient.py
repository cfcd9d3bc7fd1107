import numpy as np


def l2_normalize_gradient(dy, x, scale, eps=1e-10):
    r = 1 / np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps)
    u = x * r
    dscale = (dy * u).reshape(-1, len(scale)).sum(axis=0)
    du = dy * scale
    dx = r * (du - u * (u * du).sum(axis=-1, keepdims=True))
    return dx, dscale
