"""yolo-v1: the network of the paper (Redmon et al. 2016, figure 3).

24 convolutions, 2 fully connected layers, leaky ReLU after all but the last, which is linear (section 2.2);
no batch norm.  S = 7, B = 2: for 20 classes it outputs 7 x 7 x 30 numbers and has 271,703,550
parameters, three quarters of them between the last map and the first fully connected layer.  In float32 these are
1.1 GB, and training takes twice as much again.
"""

from collections.abc import Sequence
from typing import Any

from minissd.layers import Conv2d, Dropout, Flatten, Initializer, Layer, LeakyReLU, Linear, MaxPool2d
from minissd.models.yolo import YOLO

INPUT_SIZE, SIDE, PREDICTORS = 448, 7, 2
SQUEEZES_28, SQUEEZES_14 = ((1, 256, 1), (3, 512, 1)), ((1, 512, 1), (3, 1024, 1))
# (kernel, output channels, stride) of each convolution, in groups between which a 2x2 pool halves the map
CONVOLUTIONS = (
    ((7, 64, 2),),
    ((3, 192, 1),),
    ((1, 128, 1), (3, 256, 1), (1, 256, 1), (3, 512, 1)),
    (*SQUEEZES_28 * 4, (1, 512, 1), (3, 1024, 1)),
    (*SQUEEZES_14 * 2, (3, 1024, 1), (3, 1024, 2), (3, 1024, 1), (3, 1024, 1)),
)
DENSE = 4096  # outputs of the first fully connected layer
DROPOUT = 0.5  # behind it
PIXELS: dict[str, Any] = {"pixel_mean": (127.5, 127.5, 127.5), "pixel_scale": 1 / 127.5}  # from -1 to 1


def yolo_v1(classes: Sequence[str], *, init: Initializer, width_multiplier: float = 1.0) -> YOLO:
    """width_multiplier: channels of all layers but the last, in parts of the published ones, for smaller machines."""
    layers: dict[str, Layer] = {}
    channels, number = 3, 0
    for i, group in enumerate(CONVOLUTIONS):
        if i > 0:
            layers[f"pool{i}"] = MaxPool2d(2)
        for kernel, published, stride in group:
            number += 1
            outputs = max(1, round(published * width_multiplier))
            layers[f"conv{number}"] = Conv2d(channels, outputs, kernel, init=init, stride=stride, pad=kernel // 2)
            layers[f"leaky{number}"] = LeakyReLU()
            channels = outputs
    return YOLO(
        "yolo-v1",
        classes,
        layers=layers | _dense(channels, round(DENSE * width_multiplier), len(classes), init),
        side=SIDE,
        predictors=PREDICTORS,
        input_size=INPUT_SIZE,
        init=init,
        **PIXELS,
    )


def _dense(channels, hidden, class_count, init):
    return {
        "flatten": Flatten(),
        "fc25": Linear(SIDE * SIDE * channels, hidden, init=init),
        "leaky25": LeakyReLU(),
        "dropout": Dropout(DROPOUT),
        "fc26": Linear(hidden, SIDE * SIDE * (5 * PREDICTORS + class_count), init=init, filler="xavier"),
    }
