"""Default boxes as loops over cells (Liu et al. 2016, section 2.2)."""

import math

import numpy as np


def scales(maps, s_min=0.2, s_max=0.9):
    """s_1 .. s_{L+1} of L > 1 maps."""
    return [s_min + (s_max - s_min) / (maps - 1) * (level - 1) for level in range(1, maps + 2)]


def cell_shapes(scale, next_scale, ratios):
    """(k, 2) widths and heights of the boxes of one cell: two squares, the second between this scale and the next, if
    there is one; then a wide and a tall box for each ratio."""
    shapes = [(scale, scale)]
    if next_scale is not None:
        shapes.append((math.sqrt(scale * next_scale), math.sqrt(scale * next_scale)))
    for ratio in ratios:
        for r in (ratio, 1 / ratio):
            shapes.append((scale * math.sqrt(r), scale / math.sqrt(r)))
    return np.array(shapes)


def map_boxes(size, step, input_size, shapes):
    """The default boxes of a map of `size` (rows, columns), centers (rows * columns * k, 4)."""
    boxes = []
    for i in range(size[0]):
        for j in range(size[1]):
            for w, h in shapes:
                boxes.append(((j + 0.5) * step / input_size, (i + 0.5) * step / input_size, w, h))
    return np.array(boxes)
