import numpy as np


def affine_boxes(corners, matrix):
    (a, b, c), (d, e, f) = matrix
    x, y = corners[:, [0, 2, 0, 2]], corners[:, [1, 1, 3, 3]]  # (G, 4 corners)
    u, v = a * x + b * y + c, d * x + e * y + f
    return np.stack([u.min(axis=1), v.min(axis=1), u.max(axis=1), v.max(axis=1)], axis=1)
