"""What a model costs to run: the multiply-adds of one image."""

import numpy as np

from minissd.backend import to_device


def multiply_adds(model):
    """Multiply-adds of the convolutions, depthwise ones too, and fully connected layers for one image.

    Every number that such a layer puts out is the sum of as many products as each of its outputs has weights: KH*KW*C
    with w (KH, KW, C, D), KH*KW with w (KH, KW, C) of a depthwise convolution, C with w (C, D).  All else (biases,
    batch norm, pooling, activations) is a few operations per number and not counted, as is usual.
    """
    return sum(multiply_adds_by_layer(model).values())


def multiply_adds_by_layer(model):
    """The same for each of these layers: {name: multiply-adds}, in the order of `forward`."""
    side = model.input_size
    images = to_device(np.zeros((1, side, side, model.channels), dtype=model.dtype), model.device)
    return {
        name: output.size * _weights_per_output(model.params[f"{name}.w"])
        for name, output in model.trace(images)
        if f"{name}.w" in model.params
    }


def _weights_per_output(w):
    """The last axis counts the outputs, of all three kinds."""
    return w.size // w.shape[-1]
