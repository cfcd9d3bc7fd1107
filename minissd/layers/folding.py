"""Batch norm folded into the convolution before it, for inference (Ioffe and Szegedy 2015, section 3.1)."""

from copy import copy

import numpy as np

from minissd.engine import fold_batch_norm
from minissd.layers.batch_norm import BatchNorm
from minissd.layers.conv2d import Conv2d
from minissd.layers.depthwise_conv2d import DepthwiseConv2d
from minissd.layers.layer import Layer


def fold(layers: dict[str, Layer]) -> dict[str, Layer]:
    """Layers by name, one after the other -> the same function of x outside of training, without the batch norms that
    follow a convolution: that convolution has weights of its own for it, which are read-only."""
    folded: dict[str, Layer] = {}
    for name, layer in layers.items():
        last = next(reversed(folded), "")
        if isinstance(layer, BatchNorm) and isinstance(folded.get(last), Conv2d | DepthwiseConv2d):
            folded[last] = _together(folded[last], layer)
        else:
            folded[name] = layer
    return folded


def _together(conv, batch_norm):
    both = copy(conv)
    of_channels = batch_norm.params | batch_norm.buffers
    w, b = fold_batch_norm(conv.params["w"], conv.params.get("b"), **of_channels, eps=batch_norm.eps)
    if isinstance(w, np.ndarray):
        w.flags.writeable = False  # as in `Network.inference`
    both.params = {"w": w, "b": b}
    return both
