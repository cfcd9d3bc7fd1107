"""The network of an SSD: a trunk, heads on its maps, one row for each default box."""

import numpy as np

from minissd.ops import conv2d, max_pool2d, relu


def ssd_forward(x, stages, heads, classes):
    """A small SSD, from images to what it says of every default box.

    Each stage makes a map of the one before it, half as high and wide:  conv2d(pad=1), relu, max_pool2d(2).
    Its head, if it has one, reads that map with two convolutions, conv2d(pad=1): one gives the offsets of the k boxes
    of each cell, 4k channels, the other their logits, (classes + 1)k.  The next stage reads the same map.

    x: (N, H, W, C).  stages: a list with (w, b) of each stage.  heads: a list just as long with (w_offsets, b_offsets,
    w_logits, b_logits) of each map, or () for a map without a head.  classes: their number, without background.

    Returns (offsets, logits, caches): offsets (N, P, 4) and logits (N, P, classes + 1), a row for each default box, map
    by map as in `join_heads`; caches: a list with a tuple for each stage, the caches of its convolution, ReLU and
    pooling and, where there is a head, of the offsets' and of the logits' convolution, in this order.

    conv2d(x, w, b, pad=1), relu(x) and max_pool2d(x, 2) each return (y, cache).
    """
    raise NotImplementedError("stage by stage: the new map, what its head says of it, the caches of both")
