"""Models as a training leaves them."""

import numpy as np


def awakened(model):
    """No number of a batch norm at the 0 or 1 that it begins with."""
    rng = np.random.default_rng(1)
    for name, array in (model.params | model.buffers).items():
        if name.endswith((".beta", ".running_mean", ".b")):
            array[...] = rng.uniform(-0.1, 0.1, array.shape)
        elif name.endswith((".gamma", ".running_var")):
            array[...] = rng.uniform(0.7, 1.3, array.shape)
    return model
