"""Views in place of copies: sliding windows over an array, and of a padded map what is not padding."""

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


def on_the_map(first, count, step, pad, size):
    """Which of `count` cells first, first + step, ... of a padded axis are on the map: (slice of the count, of it)."""
    start = min(count, max(0, -((first - pad) // step)))
    stop = max(start, min(count, -((first - pad - size) // step)))
    return slice(start, stop), slice(first - pad + step * start, max(0, first - pad + step * (stop - 1) + 1), step)
