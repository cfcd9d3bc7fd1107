"""Views whose numbers overlap: sliding windows over an array, of which nothing is copied."""

import numpy as np

from minissd.device import array_module


def strided_view(array, first, shape, strides):
    """Numbers of a C-contiguous array from number `first` on; strides: in numbers.

    They are counted by the caller and not read off `array.strides`, which says anything at all of an axis of length 1:
    `x[..., None]` is contiguous to NumPy, whatever it has there.  A view that would leave the array is refused.
    """
    xp, size = array_module(array), array.dtype.itemsize
    strides = [size * stride for stride in strides]
    if xp is np:  # `as_strided` takes ten times as long, in which no other thread can run
        return np.ndarray(shape, array.dtype, array, first * size, strides)
    return xp.lib.stride_tricks.as_strided(array.reshape(-1)[first:], shape, strides)
