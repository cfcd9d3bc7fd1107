"""`summary`: the table of every model, its totals, and the numbers of a small network by hand."""

import re

import numpy as np
import pytest
from model_table import CASES, models_on, narrow_networks

from minissd.layers import Conv2d, Flatten, Initializer, Linear, ReLU
from minissd.models import MODELS
from minissd.models.classifier import Classifier
from minissd.models.cost import cost_by_layer, multiply_adds

FIRST = {case.name: case for case in reversed(CASES.values()) if not case.full}  # one of each model


def small():
    init = Initializer(np.random.default_rng(0))
    layers = {"conv": Conv2d(3, 64, 3, init=init), "relu": ReLU(), "flat": Flatten(), "fc": Linear(1024, 5, init=init)}
    pixels = {"pixel_mean": (0, 0, 0), "pixel_scale": 1}
    return Classifier("small", ("a", "b", "c", "d", "e"), layers=layers, input_size=6, init=init, **pixels)


def test_by_hand():
    assert small().summary() == "\n".join(
        [
            "small: reads (N, 6, 6, 3)",
            "layer  output         parameters  multiply-adds",
            "conv   (N, 4, 4, 64)       1,792         27,648",
            "relu   (N, 4, 4, 64)",
            "flat   (N, 1024)",
            "fc     (N, 5)              5,125          5,120",
            "total                      6,917         32,768",
        ]
    )


def test_the_network_in_words():
    assert repr(small()).splitlines() == [
        "Classifier(small, 5 classes, 6 x 6 pixels; 6,917 parameters)",
        "  conv: Conv2d(3 -> 64, kernel 3, stride 1, pad 0; 1,792 parameters)",
        "  relu: ReLU()",
        "  flat: Flatten()",
        "  fc: Linear(1024 -> 5; 5,125 parameters)",
    ]


@pytest.mark.parametrize("name", MODELS)
def test_of_every_model(name, monkeypatch):
    narrow_networks(monkeypatch)
    (model,) = models_on(FIRST[name], "cpu")
    costs = cost_by_layer(model)
    total = sum(array.size for array in model.params.values())
    assert sum(cost.parameters for cost in costs.values()) == total  # no layer is missing, none counts twice
    lines = model.summary().splitlines()
    assert [line.split()[0] for line in lines[2:-1]] == list(costs)
    assert re.split(" +", lines[-1]) == ["total", f"{total:,}", f"{multiply_adds(model):,}"]
