"""Pools for results that nobody holds any more, and for scratch.

Fresh memory is slow memory: the system maps and clears every page of it when it is first touched, which for the
transformed filters of 512 to 512 channels (38 MB) takes as long as the transform, and for the maps of a training step
a tenth of the step.  So what a step gives back, the next one gets, as CuPy's memory pool does it on a GPU.
"""

import threading
from collections import deque
from math import prod

import numpy as np

from minissd.device import array_module
from minissd.engine.cpu.locks import fork_safe_lock

CACHE_LINE = 64  # bytes, and the length of AVX-512's vectors
SMALL, LARGE = 64 << 10, 32 << 20  # bytes: results outside of this are left to NumPy
KEPT = 96 << 20  # bytes of results that nobody holds, at most
# Scratch memory of more than LARGE bytes is given back when an eighth of it would do: that of the large kernels is free
# again when the large maps need it.
MOST_UNUSED = 8

_returned: deque[np.ndarray] = deque()  # memory of results that are gone, from any thread and at any time
_idle: list[np.ndarray] = []  # the same, put in order by `_lend`, the oldest first
_lock = fork_safe_lock()


def empty(shape, like):
    """An uninitialised array of the dtype and on the device of `like`, in host memory often one that was used before.

    There it begins a cache line.  NumPy's own large arrays begin 16 bytes after one, so that every vector of 64 bytes
    is stored in two lines: with AVX-512 an addition from cache to cache takes twice the time.
    """
    size = prod(shape) * like.dtype.itemsize
    if array_module(like).__name__ != "numpy" or size < SMALL:
        return array_module(like).empty(shape, dtype=like.dtype)
    memory = _lend(size) if size <= LARGE else _aligned(size)
    return memory.view(like.dtype).reshape(shape)


class _Lent:
    """Owns the memory of a result: lives as long as the last view of it, and then returns it."""

    def __init__(self, memory):
        self.memory, self.__array_interface__ = memory, memory.__array_interface__

    def __del__(self):
        _returned.append(self.memory)


def _lend(size):
    """Bytes (size,) that return when the last view of them is gone."""
    with _lock:
        while _returned:
            _idle.append(_returned.popleft())
        place = next((i for i in reversed(range(len(_idle))) if _idle[i].size == size), None)
        memory = None if place is None else _idle.pop(place)
        while sum(one.size for one in _idle) > KEPT:
            del _idle[0]
    return np.asarray(_Lent(_aligned(size) if memory is None else memory))


def _aligned(size):
    """Bytes (size,) that begin a cache line."""
    raw = np.empty(size + CACHE_LINE, dtype=np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + size]


class Workspace(threading.local):
    """Named scratch arrays, each thread's own, that are used again by the next block and the next call.

    Nobody reads what an earlier call left.
    """

    def __init__(self):
        self._flat = {}

    def __call__(self, name, shape, like):
        """An uninitialised array; what an earlier call with this name returned is overwritten."""
        xp, key, size = array_module(like), (name, like.dtype), prod(shape)
        if xp.__name__ != "numpy":
            return xp.empty(shape, dtype=like.dtype)  # CuPy has such a pool itself
        held = self._flat[key].size if key in self._flat else -1
        if held < size or (held > MOST_UNUSED * size and held * like.dtype.itemsize > LARGE):
            self._flat.pop(key, None)  # free the old one first
            self._flat[key] = _aligned(size * like.dtype.itemsize).view(like.dtype)
        return self._flat[key][:size].reshape(shape)


scratch = Workspace()
