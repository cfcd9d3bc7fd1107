"""What a forward pass keeps for its backward pass: no map twice, and of most layers less than a map."""

import numpy as np
from held_memory import held_bytes

from minissd.layers import BatchNorm, Conv2d, MaxPool2d, ReLU, Sequential
from minissd.models import build


def needed(stage, x):
    """(bytes that the backward pass of these layers needs, what they make of x)."""
    count = 0
    for layer in stage.layers.values():
        y = layer.infer(x.copy())
        count += {
            Conv2d: x.nbytes,
            BatchNorm: x.nbytes + 4 * x[0, 0, 0].nbytes,  # and what it knows of the channels
            MaxPool2d: y.size,  # a byte each
            ReLU: -(-y.size // 8),  # a bit
        }[type(layer)]
        x = y
    return count, x


def test_a_map_that_no_convolution_reads_is_not_kept(rng):
    """conv, ReLU, pool, conv: the map of the ReLU, the largest here, is gone."""
    layers = Sequential(
        conv=Conv2d(3, 32, 3, pad=1), relu=ReLU(in_place=True), pool=MaxPool2d(2), more=Conv2d(32, 8, 3, pad=1)
    )
    x = rng.standard_normal((2, 20, 22, 3)).astype(np.float32)
    _, caches = layers.forward(x, train=True)
    weights = sum(array.nbytes for name, array in layers.params.items() if name.endswith("w"))
    assert held_bytes(caches) == needed(layers, x)[0] + weights
    assert held_bytes(caches) < x.nbytes + 2 * 20 * 22 * 32 * 4  # what the map of the ReLU alone would add


def test_what_a_step_of_ssd_tiny_keeps_follows_from_its_maps():
    model = build("ssd-tiny", classes=("a", "b"), input_size=64)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    _, caches = model.forward(images, train=True)
    bound, x = sum(array.nbytes for array in model.params.values()), model.normalize(images)
    for stage in model.stages.values():
        count, x = needed(stage, x)
        bound += count + x.nbytes  # which the head reads
    assert held_bytes(caches) <= bound
