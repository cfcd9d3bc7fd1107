"""Layers: objects that hold parameters and nothing else.  They call the operations of minissd.engine."""

from minissd.layers.batch_norm import BatchNorm
from minissd.layers.branches import Residual, SqueezeExcitation
from minissd.layers.conv2d import Conv2d
from minissd.layers.conv_transpose2d import ConvTranspose2d
from minissd.layers.depthwise_conv2d import DepthwiseConv2d
from minissd.layers.initializer import Initializer
from minissd.layers.l2_normalize import L2Normalize
from minissd.layers.layer import Layer, prefixed
from minissd.layers.linear import Linear
from minissd.layers.sequential import Sequential
from minissd.layers.stateless import (
    AvgPool2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    ReLU6,
    Sigmoid,
    SpatialDropout,
    Upsample2d,
)

__all__ = [
    "AvgPool2d",
    "BatchNorm",
    "Conv2d",
    "ConvTranspose2d",
    "DepthwiseConv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "HardSigmoid",
    "HardSwish",
    "Initializer",
    "L2Normalize",
    "Layer",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "ReLU6",
    "Residual",
    "Sequential",
    "Sigmoid",
    "SpatialDropout",
    "SqueezeExcitation",
    "Upsample2d",
    "prefixed",
]
