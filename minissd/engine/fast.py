"""The operations that have a faster form than the one in `minissd.ops`, which serves for all others."""

from minissd.engine.activations import hard_swish, hard_swish_backward, relu, relu6, relu6_backward, relu_backward
from minissd.engine.convolution import conv2d, conv2d_backward
from minissd.engine.depthwise import depthwise_conv2d, depthwise_conv2d_backward
from minissd.engine.fully_connected import linear, linear_backward
from minissd.engine.normalisation import batch_norm, batch_norm_backward
from minissd.engine.pooling import max_pool2d, max_pool2d_backward
from minissd.engine.probabilities import log_softmax, softmax
from minissd.engine.transposed_convolution import conv_transpose2d, conv_transpose2d_backward

__all__ = [
    "batch_norm",
    "batch_norm_backward",
    "conv2d",
    "conv2d_backward",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "depthwise_conv2d",
    "depthwise_conv2d_backward",
    "hard_swish",
    "hard_swish_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "max_pool2d",
    "max_pool2d_backward",
    "relu",
    "relu6",
    "relu6_backward",
    "relu_backward",
    "softmax",
]
