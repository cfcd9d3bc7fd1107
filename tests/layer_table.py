"""Every layer with the operation it stands for: one row each in `CASES`, all checked by test_layers.py."""

from typing import NamedTuple

import numpy as np

from minissd import engine
from minissd.device import to_like
from minissd.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    DepthwiseConv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    HardSigmoid,
    HardSwish,
    L2Normalize,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    ReLU6,
    Residual,
    Sequential,
    Sigmoid,
    SpatialDropout,
    SqueezeExcitation,
    Upsample2d,
)

MAP = (2, 7, 6, 3)  # N, H, W, C: no two alike
MEAN, VAR = np.array([0.3, -1.0, 2.0]), np.array([0.5, 2.0, 1.0])


class Case(NamedTuple):
    make: object  # (init) -> layer
    op: object  # (x, params) -> y, cache: the operation it stands for, at inference
    backward: object  # (dy, cache) -> gradients: dx, then one for each parameter
    x_shape: tuple = MAP


def batch_norm(x, params):
    return engine.batch_norm(x, params["gamma"], params["beta"], MEAN.copy(), VAR.copy(), train=False)


def make_batch_norm(init):
    layer = BatchNorm(3, init=init)
    for array, value in zip(layer.buffers.values(), (MEAN, VAR), strict=True):
        array[...] = to_like(value, array)
    return layer


def conv_relu(x, params):
    y, conv_cache = engine.conv2d(x, params["conv.w"])
    y, relu_cache = engine.relu(y)
    return y, (conv_cache, relu_cache)


def squeeze_excitation(x, params):
    mean, mean_cache = engine.global_avg_pool2d(x)
    few, fc1_cache = engine.linear(mean, params["fc1.w"], params["fc1.b"])
    few, relu_cache = engine.relu(few)
    z, fc2_cache = engine.linear(few, params["fc2.w"], params["fc2.b"])
    g, g_cache = engine.hard_sigmoid(z)
    y, y_cache = engine.scale_channels(x, g)
    return y, (mean_cache, fc1_cache, relu_cache, fc2_cache, g_cache, y_cache)


def squeeze_excitation_backward(dy, cache):
    mean_cache, fc1_cache, relu_cache, fc2_cache, g_cache, y_cache = cache
    dx, dg = engine.scale_channels_backward(dy, y_cache)
    dz = engine.hard_sigmoid_backward(dg, g_cache)
    dfew, *of_fc2 = engine.linear_backward(dz, fc2_cache)
    dmean, *of_fc1 = engine.linear_backward(engine.relu_backward(dfew, relu_cache), fc1_cache)
    return dx + engine.global_avg_pool2d_backward(dmean, mean_cache), *of_fc1, *of_fc2


def residual(x, params):
    y, cache = engine.conv2d(x, params["conv.w"], params["conv.b"], pad=1)
    return y + x, cache


def residual_backward(dy, cache):
    dx, *grads = engine.conv2d_backward(dy, cache)
    return dx + dy, *grads


CASES = {
    "Conv2d": Case(
        lambda init: Conv2d(3, 5, 3, init=init, stride=2, pad=1),
        lambda x, p: engine.conv2d(x, p["w"], p["b"], stride=2, pad=1),
        engine.conv2d_backward,
    ),
    "Conv2d without bias, atrous": Case(
        lambda init: Conv2d(3, 4, 2, init=init, pad="same", dilation=2, bias=False, filler="xavier"),
        lambda x, p: engine.conv2d(x, p["w"], None, pad="same", dilation=2),
        lambda dy, cache: engine.conv2d_backward(dy, cache)[:2],
    ),
    "DepthwiseConv2d": Case(
        lambda init: DepthwiseConv2d(3, 3, init=init, stride=2, pad=1),
        lambda x, p: engine.depthwise_conv2d(x, p["w"], p["b"], stride=2, pad=1),
        engine.depthwise_conv2d_backward,
    ),
    "DepthwiseConv2d without bias": Case(
        lambda init: DepthwiseConv2d(3, 2, init=init, bias=False),
        lambda x, p: engine.depthwise_conv2d(x, p["w"]),
        lambda dy, cache: engine.depthwise_conv2d_backward(dy, cache)[:2],
    ),
    "ConvTranspose2d": Case(
        lambda init: ConvTranspose2d(3, 5, 4, init=init, stride=2, pad=1),
        lambda x, p: engine.conv_transpose2d(x, p["w"], p["b"], stride=2, pad=1),
        engine.conv_transpose2d_backward,
    ),
    "Linear": Case(
        lambda init: Linear(5, 3, init=init),
        lambda x, p: engine.linear(x, p["w"], p["b"]),
        engine.linear_backward,
        (4, 5),
    ),
    "BatchNorm": Case(make_batch_norm, batch_norm, engine.batch_norm_backward),
    "L2Normalize": Case(
        lambda init: L2Normalize(3, init=init),
        lambda x, p: engine.l2_normalize(x, p["scale"]),
        engine.l2_normalize_backward,
    ),
    "ReLU": Case(lambda _: ReLU(), lambda x, _: engine.relu(x), engine.relu_backward),
    "ReLU6": Case(lambda _: ReLU6(), lambda x, _: engine.relu6(x), engine.relu6_backward),
    "HardSigmoid": Case(lambda _: HardSigmoid(), lambda x, _: engine.hard_sigmoid(x), engine.hard_sigmoid_backward),
    "HardSwish": Case(lambda _: HardSwish(), lambda x, _: engine.hard_swish(x), engine.hard_swish_backward),
    "SqueezeExcitation": Case(
        lambda init: SqueezeExcitation(3, 2, init=init), squeeze_excitation, squeeze_excitation_backward
    ),
    "Residual": Case(lambda init: Residual(conv=Conv2d(3, 3, 3, init=init, pad=1)), residual, residual_backward),
    "LeakyReLU": Case(lambda _: LeakyReLU(0.2), lambda x, _: engine.leaky_relu(x, 0.2), engine.leaky_relu_backward),
    "Sigmoid": Case(lambda _: Sigmoid(), lambda x, _: engine.sigmoid(x), engine.sigmoid_backward),
    "AvgPool2d": Case(
        lambda _: AvgPool2d(3, stride=2, pad=1),
        lambda x, _: engine.avg_pool2d(x, 3, stride=2, pad=1),
        engine.avg_pool2d_backward,
    ),
    "GlobalAvgPool2d": Case(
        lambda _: GlobalAvgPool2d(), lambda x, _: engine.global_avg_pool2d(x), engine.global_avg_pool2d_backward
    ),
    "Upsample2d": Case(lambda _: Upsample2d(2), lambda x, _: engine.upsample2d(x, 2), engine.upsample2d_backward),
    "Flatten": Case(lambda _: Flatten(), lambda x, _: (x.reshape(2, 7 * 6 * 3), None), lambda dy, _: dy.reshape(MAP)),
    "MaxPool2d": Case(
        lambda _: MaxPool2d(3, stride=2, pad=1, ceil_mode=True),
        lambda x, _: engine.max_pool2d(x, 3, stride=2, pad=1, ceil_mode=True),
        engine.max_pool2d_backward,
    ),
    "Dropout": Case(lambda _: Dropout(0.4), lambda x, _: (x, None), lambda dy, _: dy),
    "SpatialDropout": Case(lambda _: SpatialDropout(0.4), lambda x, _: (x, None), lambda dy, _: dy),
    "Sequential": Case(
        lambda init: Sequential(conv=Conv2d(3, 4, 3, init=init, bias=False), relu=ReLU()),
        conv_relu,
        lambda dy, caches: engine.conv2d_backward(engine.relu_backward(dy, caches[1]), caches[0])[:2],
    ),
}
