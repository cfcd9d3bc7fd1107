"""The kernel of an atrous convolution, from the weights of a dense layer."""

import numpy as np


def atrous_kernel(weight, size, step):
    """A dense layer that reads a whole map, as a convolution that keeps every step-th of its taps.

    weight (D, C*size*size): one row of weights for each of D outputs.  The map (C, size, size) was flattened channel
    by channel, each channel row by row, as PyTorch and Caffe do it.
    Returns w (k, k, C, D) with the taps 0, step, 2 step, ... of both directions, k = ceil(size / step) of them; all
    other weights are dropped.  Applied with a dilation of `step`, w does what the dense layer does with the dropped
    weights at zero.
    """
    raise NotImplementedError("give weight its four axes, put them in order, keep every step-th tap")
