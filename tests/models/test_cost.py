"""Multiply-adds against counts by hand, the lecture's formulas and published figures."""

import numpy as np
import pytest

from minissd.layers import (
    Conv2d,
    ConvTranspose2d,
    DepthwiseConv2d,
    GlobalAvgPool2d,
    Initializer,
    Linear,
    MaxPool2d,
    ReLU,
)
from minissd.models.classifier import Classifier
from minissd.models.cost import multiply_adds
from minissd.models.mobilenet import ssd300_mobilenet
from minissd.models.trunks import mobilenet


def init():
    return Initializer(np.random.default_rng(0))


def one(side, channels, **layers):
    """A model of these layers, reading side x side images of so many channels."""
    pixels = {"pixel_mean": (0,) * channels, "pixel_scale": 1}
    return Classifier("one", ("a",), layers=layers, input_size=side, init=init(), **pixels)


def parameters(model):
    return sum(array.size for array in model.params.values())


def test_conv1_2_of_vgg16_by_hand():
    model = one(224, 64, conv1_2=Conv2d(64, 64, 3, init=init(), pad=1))
    assert multiply_adds(model) == 224 * 224 * 3 * 3 * 64 * 64


def test_only_the_outputs_count_and_only_of_layers_with_weights():
    layers = {"conv": Conv2d(3, 8, 5, init=init(), stride=2), "relu": ReLU(), "pool": MaxPool2d(2)}
    model = one(13, 3, **layers, mean=GlobalAvgPool2d(), linear=Linear(8, 10, init=init()))
    assert multiply_adds(model) == 5 * 5 * (5 * 5 * 3) * 8 + 8 * 10


@pytest.mark.parametrize(("k", "c", "d"), [(3, 16, 32), (5, 8, 8), (3, 1, 64)])
def test_a_depthwise_separable_convolution_needs_kkc_plus_cd_where_an_ordinary_one_needs_kkcd(k, c, d):
    side = 12
    ordinary = one(side, c, conv=Conv2d(c, d, k, init=init(), pad=k // 2, bias=False))
    depthwise = DepthwiseConv2d(c, k, init=init(), pad=k // 2, bias=False)
    separable = one(side, c, dw=depthwise, pw=Conv2d(c, d, 1, init=init(), bias=False))
    assert parameters(ordinary) == k * k * c * d
    assert parameters(separable) == k * k * c + c * d
    assert multiply_adds(ordinary) == side * side * parameters(ordinary)
    assert multiply_adds(separable) == side * side * parameters(separable)


def test_mobilenet_takes_the_569_million_of_its_paper():
    """Howard et al. 2017, table 4: 569 million multiply-adds at 224 pixels, 4.2 million parameters."""
    model = mobilenet([f"class {i}" for i in range(1000)], init=init())
    assert round(multiply_adds(model) / 1e6) == 569
    assert round(parameters(model) / 1e6, 1) == 4.2


@pytest.mark.parametrize(("boxes", "expected"), [("own", 1.53e9), ("caffe", 1.15e9)])
def test_ssd300_mobilenet(boxes, expected):
    model = ssd300_mobilenet([f"class {i}" for i in range(20)], init=init(), boxes=boxes)
    assert multiply_adds(model) == pytest.approx(expected, rel=0.01)


def test_a_transposed_convolution_multiplies_what_it_reads():
    """Its adjoint, an ordinary convolution from the large map to the small one, takes as many."""
    up = one(5, 6, up=ConvTranspose2d(6, 4, 2, init=init(), stride=2))
    down = one(10, 4, down=Conv2d(4, 6, 2, init=init(), stride=2))
    assert multiply_adds(up) == multiply_adds(down) == 5 * 5 * 2 * 2 * 4 * 6
