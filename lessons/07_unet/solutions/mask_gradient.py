import numpy as np


def mask_gradient(logits, mask):
    known = mask != 255
    p = 1 / (1 + np.exp(-logits))
    return np.where(known, p - (mask == 1), 0) / max(known.sum(), 1)
