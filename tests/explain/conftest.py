"""Small classifiers whose gradients can be written down."""

import pytest

from minissd.layers import Conv2d, GlobalAvgPool2d, Initializer, Linear, ReLU
from minissd.models import Classifier

SIDE = 16


@pytest.fixture
def toy(rng):
    """toy(channels=4, relu=False, ...) -> a classifier: one convolution, the mean of its maps, two classes."""

    def make(channels=4, kernel=3, relu=False, classes=("a", "b"), side=SIDE, **geometry):
        init = Initializer(rng, "float64")
        layers = {"conv": Conv2d(3, channels, kernel, init=init, **geometry)}
        layers |= {"relu": ReLU()} if relu else {}
        layers |= {"pool": GlobalAvgPool2d(), "linear": Linear(channels, len(classes), init=init)}
        reading = {"input_size": side, "init": init, "pixel_mean": (120, 110, 100), "pixel_scale": 1 / 60}
        return Classifier("toy", classes, layers=layers, **reading)

    return make


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (3, SIDE, SIDE, 3), dtype="uint8")
