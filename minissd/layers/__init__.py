"""Layers: objects that hold parameters and nothing else.  The mathematics is in minissd.ops."""

from minissd.layers.batch_norm import BatchNorm
from minissd.layers.conv2d import Conv2d
from minissd.layers.initializer import Initializer
from minissd.layers.l2_normalize import L2Normalize
from minissd.layers.layer import Layer, prefixed
from minissd.layers.linear import Linear
from minissd.layers.sequential import Sequential
from minissd.layers.stateless import Dropout, MaxPool2d, ReLU

__all__ = [
    "BatchNorm",
    "Conv2d",
    "Dropout",
    "Initializer",
    "L2Normalize",
    "Layer",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Sequential",
    "prefixed",
]
