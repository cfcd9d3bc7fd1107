"""The same operations as loops straight from the notes: slow, obviously right, the oracle of the tests."""

from minissd.naive.boxes import average_precision, hard_negatives, iou, match, nms
from minissd.naive.convolution import col2im, conv2d, conv2d_backward, extent, im2col, output_size, pad_widths
from minissd.naive.operations import (
    batch_norm,
    batch_norm_backward,
    cross_entropy,
    dropout,
    l2_normalize,
    leaky_relu,
    linear,
    log_softmax,
    relu,
    sigmoid,
    smooth_l1,
    softmax,
)
from minissd.naive.pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward

__all__ = [
    "average_precision",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "col2im",
    "conv2d",
    "conv2d_backward",
    "cross_entropy",
    "dropout",
    "extent",
    "hard_negatives",
    "im2col",
    "iou",
    "l2_normalize",
    "leaky_relu",
    "linear",
    "log_softmax",
    "match",
    "max_pool2d",
    "max_pool2d_backward",
    "nms",
    "output_size",
    "pad_widths",
    "relu",
    "sigmoid",
    "smooth_l1",
    "softmax",
]
