import numpy as np


def best_free_boxes(overlaps):
    overlaps = overlaps.copy()
    own_box = np.full(len(overlaps), -1)
    for _ in range(len(overlaps)):
        g, box = np.unravel_index(overlaps.argmax(), overlaps.shape)
        if overlaps[g, box] == 0:
            break
        own_box[g] = box
        overlaps[g] = 0
        overlaps[:, box] = 0
    return own_box
