"""What all layers have in common: an initialiser of their own, words for people, a contract to fulfil."""

import numpy as np
import pytest
from layer_table import CASES

from minissd.layers import (
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    DepthwiseConv2d,
    Dropout,
    Initializer,
    L2Normalize,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
)

WITHOUT_INIT = {
    "Conv2d": lambda **init: Conv2d(3, 64, 3, **init),
    "ConvTranspose2d": lambda **init: ConvTranspose2d(3, 8, 2, **init),
    "DepthwiseConv2d": lambda **init: DepthwiseConv2d(8, 3, **init),
    "Linear": lambda **init: Linear(10, 5, **init),
    "BatchNorm": lambda **init: BatchNorm(8, **init),
    "L2Normalize": lambda **init: L2Normalize(8, **init),
}


@pytest.mark.parametrize("make", WITHOUT_INIT.values(), ids=WITHOUT_INIT)
def test_without_an_initialiser_a_layer_begins_as_with_one_of_seed_0(make):
    """Whatever was made before it."""
    expected = make(init=Initializer(np.random.default_rng(0)))
    layer = make()
    assert layer.params.keys() == expected.params.keys()
    for name, array in layer.params.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected.params[name])


def test_a_seed_in_place_of_an_initialiser():
    one, same, other = Conv2d(3, 4, 3), Conv2d(3, 4, 3, init=0), Conv2d(3, 4, 3, init=1)
    np.testing.assert_array_equal(one.params["w"], same.params["w"])
    assert (one.params["w"] != other.params["w"]).all()
    one.params["w"] += 1
    assert (one.params["w"] != same.params["w"]).all()
    with pytest.raises(ValueError, match="seed, must be a whole number of at least 0, got 'he'"):
        Conv2d(3, 4, 3, init="he")


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Conv2d(3, 64, 3), "Conv2d(3 -> 64, kernel 3, stride 1, pad 0; 1,792 parameters)"),
        (
            Conv2d(8, 4, 3, pad=6, dilation=6, bias=False),
            "Conv2d(8 -> 4, kernel 3, stride 1, pad 6, dilation 6, no bias; 288 parameters)",
        ),
        (ConvTranspose2d(3, 8, 2, stride=2), "ConvTranspose2d(3 -> 8, kernel 2, stride 2, pad 0; 104 parameters)"),
        (DepthwiseConv2d(8, 3, pad=1), "DepthwiseConv2d(channels 8, kernel 3, stride 1, pad 1; 80 parameters)"),
        (Linear(10, 5), "Linear(10 -> 5; 55 parameters)"),
        (Linear(1, 1), "Linear(1 -> 1; 2 parameters)"),
        (BatchNorm(8), "BatchNorm(channels 8; 16 parameters)"),
        (L2Normalize(1), "L2Normalize(channels 1; 1 parameter)"),
        (MaxPool2d(2, ceil_mode=True), "MaxPool2d(kernel 2, stride 2, pad 0, ceil mode)"),
        (ReLU(), "ReLU()"),
        (Dropout(0.5), "Dropout(rate 0.5)"),
    ],
)
def test_in_words(layer, words):
    assert repr(layer) == words


def test_a_sequential_shows_its_children_indented():
    inner = Sequential(fc=Linear(2, 3), relu=ReLU())
    assert repr(Sequential(inner=inner, last=Linear(3, 1))).splitlines() == [
        "Sequential(13 parameters)",
        "  inner: Sequential(9 parameters)",
        "    fc: Linear(2 -> 3; 9 parameters)",
        "    relu: ReLU()",
        "  last: Linear(3 -> 1; 4 parameters)",
    ]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_layer_names_itself(case):
    layer = case.make(Initializer(np.random.default_rng(0)))
    assert repr(layer).startswith(f"{type(layer).__name__}(")
    assert (f"{layer.parameter_count:,} parameter" in repr(layer)) == bool(layer.params)


def test_a_layer_that_lacks_a_method_says_what_to_define():
    class Half(Layer):
        def forward(self, x, train=False, rng=None):
            return x / 2, None

    layer = Sequential(half=Half())
    y, cache = layer.forward(np.ones((1, 2), np.float32))
    with pytest.raises(NotImplementedError, match=r"Half has no backward: define backward\(self, dy, cache"):
        layer.backward(y, cache)
    with pytest.raises(NotImplementedError, match=r"Layer has no forward: define forward\(self, x"):
        Layer().infer(y)
