"""Memory of large arrays, straight from the system, and what of it is used again for results.

Fresh memory is slow memory: the system clears every page of it when it is first touched, which for the maps of a
training step takes a tenth of the step.  So what a step gives back, the next one gets, as CuPy's memory pool does it
on a GPU.  Memory that is not kept goes back to the system at once; from `np.empty` it would stay with the process, in
pieces of sizes that nobody asks for.
"""

import mmap
from collections import deque
from contextlib import suppress
from math import prod

import numpy as np

from minissd.engine.cpu.locks import fork_safe_lock
from minissd.engine.tuning import tuning_in_force

PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}

_lock = fork_safe_lock()  # for all of them: it is held for a moment


def fresh(size):
    """A buffer of `size` bytes, at least 1, that begins a page.  MemoryError where there is none.

    NumPy's own large arrays begin 16 bytes after a cache line, so that every vector of 64 bytes is stored in two lines:
    with AVX-512 an addition from cache to cache takes twice the time.
    """
    try:
        memory = mmap.mmap(-1, size, **PRIVATE)
    except OSError as error:
        raise MemoryError(f"the system has no {size:,} bytes of memory left: {error}") from None
    if size >= tuning_in_force().sizes.huge_pages and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a system that has none
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


class ResultMemory:
    """Hands out memory for results, and hands it out again once nobody holds them.

    What nobody holds is kept only as far as there was a time at which as much was held: so it never adds to the most
    memory that the work takes, such as that in the middle of a training step.
    """

    def __init__(self):
        self.free()

    def free(self):
        """Give back to the system what is kept; what is held still goes there when it is released."""
        self._returned = deque()  # (size, memory or None) of results that are gone, from any thread and at any time
        self._idle = []  # memory of them, put in order by `_take`, the oldest first
        self._held = self._most = 0  # bytes that are held, as far as `_take` knows, and the most of them

    @property
    def kept(self):
        """Bytes that nobody holds."""
        returned = [memory for _, memory in self._returned if memory is not None]
        return sum(map(len, [*self._idle, *returned]))

    def empty(self, shape, dtype):
        """An uninitialised array; one that is not small begins a page."""
        size = prod(shape) * dtype.itemsize
        sizes = tuning_in_force().sizes
        if size < sizes.small_result:
            return np.empty(shape, dtype)
        lent = _Lent(size, np.uint8, self._take(size, sizes.results_kept))
        lent.returned, lent.serves_again = self._returned, size <= sizes.large_result
        return np.ndarray(shape, dtype, lent)

    def _take(self, size, most_kept):
        """Memory of that size, used before where there is some."""
        with _lock:
            while self._returned:
                returned, memory = self._returned.popleft()
                self._held -= returned
                if memory is not None:
                    self._idle.append(memory)
            self._held += size
            self._most = max(self._most, self._held)
            place = next((i for i in reversed(range(len(self._idle))) if len(self._idle[i]) == size), None)
            memory = None if place is None else self._idle.pop(place)
            while self._idle and sum(map(len, self._idle)) > min(most_kept, self._most - self._held):
                del self._idle[0]
        return fresh(size) if memory is None else memory


class _Lent(np.ndarray):
    """Stands between a buffer and the arrays made of it: it lives as long as the last of them, and then returns it."""

    returned = None  # where to
    serves_again = True  # or only its size is told

    def __del__(self):
        if self.returned is not None:
            self.returned.append((len(self.base), self.base if self.serves_again else None))
