import numpy as np


def to_centers(corners):
    left, top, right, bottom = (corners[..., column] for column in range(4))
    return np.stack([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], axis=-1)
