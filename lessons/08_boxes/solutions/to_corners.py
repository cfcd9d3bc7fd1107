import numpy as np


def to_corners(centers):
    c_x, c_y, w, h = (centers[..., column] for column in range(4))
    return np.stack([c_x - w / 2, c_y - h / 2, c_x + w / 2, c_y + h / 2], axis=-1)
