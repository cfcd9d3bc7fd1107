import numpy as np

from minissd.detection import to_centers


def cell_targets(corners, labels, side):
    class_targets = np.zeros((side, side), dtype=int)
    box_targets = np.zeros((side, side, 4))
    for (c_x, c_y, w, h), label in zip(to_centers(corners), labels):
        i, j = int(c_y * side), int(c_x * side)
        if class_targets[i, j]:
            continue
        class_targets[i, j] = label + 1
        box_targets[i, j] = c_x * side - j, c_y * side - i, w, h
    return class_targets, box_targets
