"""Fully connected layers as convolutions, and convolutions with fewer taps and channels.

VGG16 ends with fc6, which reads the 7x7x512 map of pool5 at once, and fc7; each has 4096 outputs.  SSD makes
convolutions of them and keeps a part of the weights ("subsample parameters", Liu et al. 2016, section 3):

    fc6   7x7 taps -> 3x3, the taps 0, 3 and 6 in both directions;   every fourth of its 4096 outputs
    fc7   1x1                                                        every fourth input and output

Nothing is averaged: what is dropped counts as zero.  Taps three apart are a dilation of 3 on the map that the dense
layer read, and of 6 on SSD's, since its pool5 no longer halves the map.
"""

from collections.abc import Sequence

import numpy as np


def decimate(array: np.ndarray, steps: Sequence[int]) -> np.ndarray:
    """Every steps[i]-th entry along axis i, from the first on: a view.

    Raises ValueError unless there is one step of at least 1 for each axis.
    """
    if len(steps) != array.ndim or min(steps, default=1) < 1:
        raise ValueError(f"array {array.shape} needs {array.ndim} steps of at least 1, got {tuple(steps)}")
    return array[tuple(slice(None, None, step) for step in steps)]


def dense_to_convolution(weight: np.ndarray, kernel: tuple[int, int]) -> np.ndarray:
    """weight (D, C*KH*KW) of a fully connected layer on a (C, KH, KW) map -> (KH, KW, C, D) of the same convolution.

    kernel: (KH, KW), the size of the map.  PyTorch and Caffe flatten a map channel by channel.
    """
    outputs, inputs = weight.shape
    if inputs % (kernel[0] * kernel[1]):
        raise ValueError(f"weight {weight.shape} does not read a map of {kernel[0]}x{kernel[1]} cells")
    return weight.reshape(outputs, -1, *kernel).transpose(2, 3, 1, 0)
