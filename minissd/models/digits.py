"""Two networks that classify handwritten digits, and one that measures their slant; all read 28x28 grey pixels."""

from collections.abc import Sequence
from typing import Any

from minissd.layers import Conv2d, Dropout, Flatten, Initializer, Layer, Linear, MaxPool2d, ReLU
from minissd.models.classifier import Classifier
from minissd.models.regressor import Regressor

SIDE = 28
# Mean and standard deviation of the training images
MNIST_PIXELS: dict[str, Any] = {"pixel_mean": (33.3,), "pixel_scale": 1 / 78.6}


def mlp(classes: Sequence[str], *, init: Initializer, width: int = 512, dropout: float = 0.0) -> Classifier:
    """The naive approach: the 784 pixels as a vector, two hidden layers of `width` units with ReLU, softmax.

    dropout: the share of hidden units that is left out in every step of training.
    """
    layers: dict[str, Layer] = {"flatten": Flatten()}
    c_in = SIDE * SIDE
    for i in (1, 2):
        layers |= {f"fc{i}": Linear(c_in, width, init=init), f"relu{i}": ReLU()}
        layers |= {f"dropout{i}": Dropout(dropout)} if dropout else {}
        c_in = width
    layers["fc3"] = Linear(width, len(classes), init=init, filler="xavier")
    return _digits("mlp", classes, layers, init)


def lenet5(classes: Sequence[str], *, init: Initializer, dropout: float = 0.0) -> Classifier:
    """LeNet-5 (LeCun et al. 1998, figure 2) with ReLU for tanh and maxima for means.

    The paper lays the digit on 32x32 pixels; here the first convolution pads it by 2, which is the same.  C3 reads all
    six maps of S2, not the paper's table of some, and the last layer is a plain softmax: 61,706 parameters.
    dropout: the share of the units of C5 and F6 that is left out in every step of training.

        28x28x1  C1 5x5  28x28x6  S2  14x14x6  C3 5x5  10x10x16  S4  5x5x16  C5  120  F6  84  classes
    """
    return _digits("lenet5", classes, _lenet5_layers(len(classes), dropout, init), init)


def slant(classes: Sequence[str], *, init: Initializer) -> Regressor:
    """LeNet-5 with one output, a number for each image in place of a score for each class."""
    layers = _lenet5_layers(1, 0.0, init)
    return Regressor("slant", classes, layers=layers, input_size=SIDE, init=init, **MNIST_PIXELS)


def _lenet5_layers(outputs: int, dropout: float, init: Initializer) -> dict[str, Layer]:
    layers: dict[str, Layer] = {
        "c1": Conv2d(1, 6, 5, init=init, pad=2),
        "relu1": ReLU(),
        "s2": MaxPool2d(2),
        "c3": Conv2d(6, 16, 5, init=init),
        "relu3": ReLU(),
        "s4": MaxPool2d(2),
        "flatten": Flatten(),
    }
    for i, c_in, c_out, name in ((5, 5 * 5 * 16, 120, "c5"), (6, 120, 84, "f6")):
        layers |= {name: Linear(c_in, c_out, init=init), f"relu{i}": ReLU()}
        layers |= {f"dropout{i}": Dropout(dropout)} if dropout else {}
    return layers | {"output": Linear(84, outputs, init=init, filler="xavier")}


def _digits(name, classes, layers, init):
    return Classifier(name, classes, layers=layers, input_size=SIDE, init=init, **MNIST_PIXELS)
