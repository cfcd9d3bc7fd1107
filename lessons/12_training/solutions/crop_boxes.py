import numpy as np


def crop_boxes(corners, labels, patch):
    centers = (corners[:, :2] + corners[:, 2:]) / 2
    kept = ((patch[:2] <= centers) & (centers <= patch[2:])).all(axis=1)
    origin, extent = np.tile(patch[:2], 2), np.tile(patch[2:] - patch[:2], 2)
    seen = (corners[kept] - origin) / extent
    return np.clip(seen, 0, 1), labels[kept]
