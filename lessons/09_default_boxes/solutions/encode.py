import numpy as np


def encode(objects, default_boxes, variances=(0.1, 0.2)):
    shift = (objects[..., :2] - default_boxes[..., :2]) / default_boxes[..., 2:] / variances[0]
    stretch = np.log(objects[..., 2:] / default_boxes[..., 2:]) / variances[1]
    return np.concatenate([shift, stretch], axis=-1)
