"""What a model costs to run: the multiply-adds of one image."""

from math import prod

import numpy as np

from minissd.backend import to_device
from minissd.layers import ConvTranspose2d


def multiply_adds(model):
    """Multiply-adds of the convolutions, depthwise ones too, and fully connected layers for one image.

    Every number that such a layer puts out is the sum of as many products as each of its outputs has weights: KH*KW*C
    with w (KH, KW, C, D), KH*KW with w (KH, KW, C) of a depthwise convolution, C with w (C, D).  A transposed one is
    the other way round, w (KH, KW, D, C): each number that it reads goes into KH*KW*D products.  All else (biases,
    batch norm, pooling, activations) is a few operations per number and not counted, as is usual.
    """
    return sum(multiply_adds_by_layer(model).values())


def multiply_adds_by_layer(model):
    """The same for each of these layers: {name: multiply-adds}, in the order of `forward`."""
    side = model.input_size
    images = to_device(np.zeros((1, side, side, model.channels), dtype=model.dtype), model.device)
    layers = dict(model.leaves())
    return {
        name: _multiply_adds(layers[name], output)
        for name, output in model.trace(images)
        if name in layers and "w" in layers[name].params
    }


def _multiply_adds(layer, output):
    w = layer.params["w"]
    if isinstance(layer, ConvTranspose2d):
        kernel, stride, pad = w.shape[0], layer.geometry["stride"], layer.geometry["pad"]
        cells = prod((size + 2 * pad - kernel) // stride + 1 for size in output.shape[1:3])  # that it read
        return cells * w.size
    return output.size * (w.size // w.shape[-1])  # the last axis counts the outputs, of all three kinds
