"""The backward pass of an SSD, with the gradients that meet on its maps."""

import numpy as np

from minissd.ops import conv2d_backward, max_pool2d_backward, relu_backward


def ssd_backward(d_offsets, d_logits, caches, grids):
    """The gradients of all weights of `ssd_forward`, from those of what it returns.

    d_offsets: (N, P, 4), d_logits: (N, P, classes + 1), rows map by map as `ssd_forward` joined them.
    caches: a list with a tuple for each stage, the caches of its convolution, ReLU and pooling and, where the map has a
    head, of the offsets' and of the logits' convolution.  grids: a list just as long with (rows, columns, k) of each
    map that has a head, k boxes in each cell, and () of the others.  The last map has a head.

    Returns (stages, heads), lists in the order of the arguments of `ssd_forward`: (dw, db) of each stage, and
    (dw_offsets, db_offsets, dw_logits, db_logits) of each head, () where there is none.

    A map is read by its head, twice, and by the next stage: what comes back from them adds up.

    conv2d_backward(dy, cache) returns (dx, dw, db), dy (N, rows, columns, channels); relu_backward(dy, cache) and
    max_pool2d_backward(dy, cache) return dx.
    """
    raise NotImplementedError("from the last map to the first: the head's part, what comes from above, the stage")
