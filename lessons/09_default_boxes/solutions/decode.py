import numpy as np


def decode(offsets, default_boxes, variances=(0.1, 0.2)):
    middle = default_boxes[..., :2] + offsets[..., :2] * variances[0] * default_boxes[..., 2:]
    size = default_boxes[..., 2:] * np.exp(offsets[..., 2:] * variances[1])
    return np.concatenate([middle, size], axis=-1)
