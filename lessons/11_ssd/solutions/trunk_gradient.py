import numpy as np


def trunk_gradient(d_heads, stages):
    d_map = np.zeros(len(stages[-1]))
    for d_head, stage in zip(reversed(d_heads), reversed(stages)):
        d_map = d_map + d_head
        d_map = stage.T @ d_map
    return d_map
