"""Every backward pass of minissd, ready to be checked: what `minissd gradcheck` and the tests run.

A case draws its inputs from a generator and returns (forward, backward, inputs) as `minissd.gradcheck.check_backward`
takes them.  Inputs are kept away from kinks (0 of a ReLU, ties of a maximum, |d| = 1 of smooth L1), where a
difference quotient means nothing.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minissd import engine
from minissd.device import to_device, to_like, to_numpy
from minissd.gradcheck import away_from, check_backward, distinct
from minissd.gradcheck import loss_cases as losses
from minissd.layers import (
    BatchNorm,
    Conv2d,
    Initializer,
    L2Normalize,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sequential,
    SqueezeExcitation,
)
from minissd.models import build

MAP, OUT = (2, 7, 6, 3), 4  # N, H, W, C of most inputs, D: small, and no two sizes alike


def _conv2d(rng, kernel=(3, 3), **geometry):
    inputs = rng.standard_normal(MAP), rng.standard_normal((*kernel, MAP[3], OUT)), rng.standard_normal(OUT)
    return partial(engine.conv2d, **geometry), engine.conv2d_backward, inputs


def _depthwise_conv2d(rng, **geometry):
    inputs = rng.standard_normal(MAP), rng.standard_normal((3, 2, MAP[3])), rng.standard_normal(MAP[3])
    return partial(engine.depthwise_conv2d, **geometry), engine.depthwise_conv2d_backward, inputs


def _conv_transpose2d(rng, kernel=(3, 3), **geometry):
    inputs = rng.standard_normal(MAP), rng.standard_normal((*kernel, OUT, MAP[3])), rng.standard_normal(OUT)
    return partial(engine.conv_transpose2d, **geometry), engine.conv_transpose2d_backward, inputs


def _max_pool2d(rng, kernel, **geometry):
    return partial(engine.max_pool2d, kernel=kernel, **geometry), engine.max_pool2d_backward, [distinct(rng, MAP)]


def _avg_pool2d(rng, kernel, **geometry):
    return partial(engine.avg_pool2d, kernel=kernel, **geometry), engine.avg_pool2d_backward, [rng.standard_normal(MAP)]


def _global_avg_pool2d(rng):
    return engine.global_avg_pool2d, engine.global_avg_pool2d_backward, [rng.standard_normal(MAP)]


def _upsample2d(rng):
    return partial(engine.upsample2d, factor=2), engine.upsample2d_backward, [rng.standard_normal(MAP)]


def _elementwise(rng, name, kinks=(0,), spread=1):
    inputs = [away_from(spread * rng.standard_normal(MAP), kinks)]
    return getattr(engine, name), getattr(engine, f"{name}_backward"), inputs


def _linear(rng):
    return engine.linear, engine.linear_backward, [rng.standard_normal(shape) for shape in ((4, 5), (5, 3), (3,))]


def _batch_norm(rng, train):
    mean, var = rng.standard_normal(MAP[3]), rng.uniform(0.5, 2, MAP[3])

    def forward(x, gamma, beta):
        return engine.batch_norm(x, gamma, beta, to_like(mean.copy(), x), to_like(var.copy(), x), train=train)

    return forward, engine.batch_norm_backward, [rng.standard_normal(s) for s in (MAP, MAP[3], MAP[3])]


def _l2_normalize(rng):
    return engine.l2_normalize, engine.l2_normalize_backward, [rng.standard_normal(MAP), rng.uniform(1, 20, MAP[3])]


def _dropout(rng, name):
    seed = rng.integers(1 << 30)

    def forward(x):
        return getattr(engine, name)(x, 0.4, np.random.default_rng(seed))

    return forward, getattr(engine, f"{name}_backward"), [rng.standard_normal(MAP)]


def _layer(rng, make, shape=MAP, device="cpu"):
    return _of_input_and_params(make(Initializer(rng, "float64", device)), distinct(rng, shape))


def _block(init):
    layers = {"conv": Conv2d(3, 4, 3, init=init, pad=1, bias=False), "bn": BatchNorm(4, init=init), "relu": ReLU()}
    return Sequential(**layers, pool=MaxPool2d(2))


def _join(rng, name, shapes):
    return getattr(engine, name), getattr(engine, f"{name}_backward"), [rng.standard_normal(shape) for shape in shapes]


def _model(rng, name, **options):
    """options: those of the model, and its device."""
    model = build(name, classes=("a", "b"), dtype="float64", seed=int(rng.integers(1 << 30)), **options)
    return _of_input_and_params(model, rng.standard_normal((2, model.input_size, model.input_size, model.channels)))


def _of_input_and_params(layer, x):
    """A layer, or a whole model, as a function of its input x and every one of its parameters."""
    names = list(layer.params)

    def forward(x, *values):
        for name, value in zip(names, values, strict=True):
            layer.params[name][...] = value
        return layer.forward(x, train=True)

    def backward(dy, cache):
        dx, grads = layer.backward(dy, cache)
        return dx, *(grads[name] for name in names)

    return forward, backward, [x, *(to_numpy(layer.params[name]).copy() for name in names)]


# Every algorithm of conv2d in each kind of geometry that it is for.  A pad of 3 reaches beyond a kernel of 3.
GEOMETRIES: dict[str, tuple[dict[str, Any], str]] = {
    "plain": ({}, "im2col winograd winograd-rows taps banded"),
    "pad 1": ({"pad": 1}, "im2col winograd winograd-rows taps banded"),
    "pad 3, 0, 1, 2": ({"pad": ((3, 0), (1, 2))}, "im2col winograd winograd-rows taps banded"),
    "1x1": ({"kernel": (1, 1)}, "im2col banded"),
    "2x4, same": ({"kernel": (2, 4), "pad": "same"}, "im2col taps banded"),
    "dilation 2, pad 2": ({"dilation": 2, "pad": 2}, "im2col winograd taps"),
    "dilation 1 and 3, pad 4": ({"dilation": (1, 3), "pad": 4}, "im2col winograd taps"),
    "stride 2, pad 1": ({"stride": 2, "pad": 1}, "im2col strided banded"),
    "stride 3 and 2, pad 0 and 2": ({"stride": (3, 2), "pad": (0, 2)}, "im2col strided banded"),
    "2x4, stride 2 and 3": ({"kernel": (2, 4), "stride": (2, 3)}, "im2col strided banded"),
    "1x1, stride 2": ({"kernel": (1, 1), "stride": 2}, "im2col banded"),
    "2x3, stride 1 and 2, pad 1": ({"kernel": (2, 3), "stride": (1, 2), "pad": 1}, "im2col banded"),
    "stride 2, dilation 2, pad 2": ({"stride": 2, "dilation": 2, "pad": 2}, "im2col"),
}

CASES: dict[str, Callable] = {
    f"conv2d, {algorithm}, {geometry}": partial(_conv2d, algorithm=algorithm, **options)
    for geometry, (options, algorithms) in GEOMETRIES.items()
    for algorithm in algorithms.split()
} | {
    "conv2d, auto": _conv2d,
    "depthwise_conv2d, pad 1": partial(_depthwise_conv2d, pad=1),
    "depthwise_conv2d, stride 2, dilation 2": partial(_depthwise_conv2d, stride=2, dilation=2, pad=1),
    "conv_transpose2d, pad 1": partial(_conv_transpose2d, pad=1),
    "conv_transpose2d, 2x2, stride 2": partial(_conv_transpose2d, kernel=(2, 2), stride=2),
    "conv_transpose2d, 3x4, stride 3 and 2": partial(_conv_transpose2d, kernel=(3, 4), stride=(3, 2)),
    "max_pool2d, 2x2": partial(_max_pool2d, kernel=2),
    "max_pool2d, 3x3, stride 1, pad 1": partial(_max_pool2d, kernel=3, stride=1, pad=1),
    "max_pool2d, 2x2, ceil mode": partial(_max_pool2d, kernel=2, ceil_mode=True),
    "avg_pool2d, 3x3, stride 2, pad 1, ceil mode": partial(_avg_pool2d, kernel=3, stride=2, pad=1, ceil_mode=True),
    "global_avg_pool2d": _global_avg_pool2d,
    "upsample2d": _upsample2d,
    "relu": partial(_elementwise, name="relu"),
    "leaky_relu": partial(_elementwise, name="leaky_relu"),
    "sigmoid": partial(_elementwise, name="sigmoid"),
    "relu6": partial(_elementwise, name="relu6", kinks=(0, 6), spread=6),
    "hard_sigmoid": partial(_elementwise, name="hard_sigmoid", kinks=(-3, 3), spread=3),
    "hard_swish": partial(_elementwise, name="hard_swish", kinks=(-3, 3), spread=3),
    "concatenate": partial(_join, name="concatenate", shapes=(MAP, (*MAP[:3], 2))),
    "add": partial(_join, name="add", shapes=(MAP, MAP)),
    "scale_channels": partial(_join, name="scale_channels", shapes=(MAP, (MAP[0], MAP[3]))),
    "linear": _linear,
    "batch_norm, training": partial(_batch_norm, train=True),
    "batch_norm, inference": partial(_batch_norm, train=False),
    "l2_normalize": _l2_normalize,
    "dropout": partial(_dropout, name="dropout"),
    "spatial_dropout": partial(_dropout, name="spatial_dropout"),
    "cross_entropy": losses.cross_entropy_case,
    "smooth_l1": losses.smooth_l1_case,
    "binary_cross_entropy": losses.binary_cross_entropy_case,
    "multibox_loss": losses.multibox_loss_case,
    "yolo_loss": losses.yolo_loss_case,
    "yolo_loss, anchors": partial(losses.yolo_loss_case, anchors=np.array([[0.2, 0.4], [0.5, 0.3]])),
    "layer Linear": partial(_layer, make=lambda init: Linear(5, 3, init=init), shape=(4, 5)),
    "layer L2Normalize": partial(_layer, make=lambda init: L2Normalize(3, init=init)),
    "layers conv, batch norm, ReLU, pool": partial(_layer, make=_block),
    "layer SqueezeExcitation": partial(_layer, make=lambda init: SqueezeExcitation(3, 2, init=init)),
    "layer Residual": partial(_layer, make=lambda init: Residual(conv=Conv2d(3, 3, 3, init=init, pad=1))),
    "mask_loss, void left out": losses.mask_loss_case,
    "model unet": partial(_model, name="unet", input_size=32, width=2),
    "model mlp": partial(_model, name="mlp", width=16),
    "model lenet5": partial(_model, name="lenet5"),
    "model slant": partial(_model, name="slant"),
    "model yolo-tiny": partial(_model, name="yolo-tiny", input_size=64),
    "model ssd-tiny": partial(_model, name="ssd-tiny", input_size=64),
}


def check(name: str, seed: int = 0, device: str = "cpu") -> float:
    """Check one case; returns its largest relative error, raises GradientError with a diagnosis.

    device: where forward and backward run; the difference quotients are taken in host memory.
    """
    rng = np.random.default_rng(seed)
    with_arrays_of_its_own = name.startswith(("layer", "model")) and device != "cpu"
    forward, backward, inputs = CASES[name](rng, **({"device": device} if with_arrays_of_its_own else {}))
    if device != "cpu":
        forward, backward = _on_device(forward, backward, device)
    if not name.startswith("model"):
        return check_backward(forward, backward, inputs, rng=rng)
    # Thousands of ReLUs: a small eps, lest one of them crosses its kink, and a few entries of each parameter.
    return check_backward(forward, backward, inputs, rng=rng, eps=1e-7, rtol=1e-3, atol=1e-5, max_entries=2)


def _on_device(forward, backward, device):
    """The same passes for arrays in host memory, which are moved over and back; caches stay on the device."""

    def forward_there(*inputs):
        y, cache = forward(*(to_device(x, device) for x in inputs))
        return _each(to_numpy, y), cache

    def backward_there(dy, cache):
        return _each(to_numpy, backward(_each(lambda part: to_device(part, device), dy), cache))

    return forward_there, backward_there


def _each(function, arrays):
    return tuple(map(function, arrays)) if isinstance(arrays, tuple) else function(arrays)
