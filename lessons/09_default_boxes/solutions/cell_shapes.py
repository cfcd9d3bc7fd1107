from math import sqrt

import numpy as np


def cell_shapes(scale, next_scale, ratios):
    extra = sqrt(scale * next_scale)
    shapes = [(scale, scale), (extra, extra)]
    for ratio in ratios:
        long, short = scale * sqrt(ratio), scale / sqrt(ratio)
        shapes += [(long, short), (short, long)]
    return np.array(shapes)
