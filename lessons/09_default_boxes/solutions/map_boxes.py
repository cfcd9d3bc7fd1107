import numpy as np


def map_boxes(size, step, input_size, shapes):
    boxes = []
    for i in range(size[0]):
        for j in range(size[1]):
            for w, h in shapes:
                boxes.append(((j + 0.5) * step / input_size, (i + 0.5) * step / input_size, w, h))
    return np.array(boxes)
