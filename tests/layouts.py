"""Arrays as they come: the same numbers in any layout that memory can have, around them what must never be read.

LAYOUTS: functions of an array with at least one axis.
"""

import numpy as np


def inside_of_nan(array):
    """A slice of a larger array, in which all else is NaN, or a label that does not exist."""
    around = np.full([size + 2 for size in array.shape], np.nan if array.dtype.kind == "f" else 99, array.dtype)
    inner = around[(slice(1, -1),) * array.ndim]
    inner[...] = array
    return inner


def by_newaxis(array):
    """Axes of length 1 put in by `x[..., None]`: their stride is 0, and NumPy calls the array contiguous."""
    axes = tuple(axis for axis, size in enumerate(array.shape) if size == 1)
    return np.expand_dims(np.squeeze(array, axes), axes)


def channels_moved(array):
    """NCHW in memory.  Where there is one channel, its stride is that of a whole map."""
    return np.moveaxis(np.moveaxis(array, -1, 1).copy(), 1, -1) if array.ndim > 1 else array


def any_stride_of_single_cells(array):
    strides = [stride if size > 1 else 123_456 for size, stride in zip(array.shape, array.strides, strict=True)]
    return np.lib.stride_tricks.as_strided(array, array.shape, strides)


def backwards(array):
    turned = (slice(None, None, -1),) * array.ndim
    return array[turned].copy()[turned]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def repeated(array):
    """Stride 0: the first entry along the first axis again and again."""
    return np.broadcast_to(array[:1], array.shape)


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "every second entry": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "backwards": backwards,
    "inside of NaN": inside_of_nan,
    "newaxis": by_newaxis,
    "channels moved": channels_moved,
    "any stride of single cells": any_stride_of_single_cells,
    "read-only": read_only,
    "repeated": repeated,
}
