"""Memory for results, and scratch memory that is used again."""

import threading
from math import prod

import numpy as np

from minissd.backend import array_module

CACHE_LINE = 64  # bytes, and the length of AVX-512's vectors
MOST_UNUSED = 8  # times what is needed: the large kernels' memory is free again when the large maps need it


def empty(shape, like):
    """An uninitialised array of the dtype and on the device of `like`, which in host memory begins a cache line.

    NumPy's own large arrays begin 16 bytes after one, so that every vector of 64 bytes is stored in two lines: with
    AVX-512 an addition from cache to cache takes twice the time.
    """
    if array_module(like).__name__ != "numpy":
        return array_module(like).empty(shape, dtype=like.dtype)
    size = prod(shape) * like.dtype.itemsize
    raw = np.empty(size + CACHE_LINE, dtype=np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + size].view(like.dtype).reshape(shape)


class Workspace(threading.local):
    """Named scratch arrays, each thread's own, that are used again by the next block and the next call.

    Fresh memory is slow memory: the system clears every page of it, which for the transformed filters of 512 to 512
    channels (38 MB) takes as long as the transform.  Nobody reads what an earlier call left.
    """

    def __init__(self):
        self._flat = {}

    def __call__(self, name, shape, like):
        """An uninitialised array; what an earlier call with this name returned is overwritten."""
        xp, key, size = array_module(like), (name, like.dtype), prod(shape)
        if xp.__name__ != "numpy":
            return xp.empty(shape, dtype=like.dtype)  # CuPy has such a pool itself
        held = self._flat[key].size if key in self._flat else 0
        if not size <= held <= MOST_UNUSED * size:
            self._flat.pop(key, None)  # free the old one first
            self._flat[key] = empty((size,), like)
        return self._flat[key][:size].reshape(shape)


scratch = Workspace()
