"""Memory of large arrays, straight from the system, and what of it is used again for results.

Fresh memory is slow memory: the system clears every page of it when it is first touched, which for the maps of a
training step takes a tenth of the step.  So what a step gives back, the next one gets, as CuPy's memory pool does it
on a GPU.  From `np.empty` it would stay with the process, in pieces of sizes that nobody asks for.

Results lie one behind the other in regions of address space, each in the first gap that is wide enough, whoever was
there before: the same step finds the same places again, and touches no page that it has not touched before.  Address
space costs nothing; a page that was touched costs memory, until it is given back to the system.
"""

import mmap
from collections import deque
from contextlib import suppress
from math import prod

import numpy as np

from minissd.engine.cpu.locks import fork_safe_lock
from minissd.engine.tuning import tuning_in_force

PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
FRESH, IDLE, HELD = "fresh", "idle", "held"  # pages never touched or given back; touched, but nobody's; in a result
SPARE = 6  # of the most bytes that were held, a sixth may be kept beyond

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


class Region:
    """A piece of address space, cut into spans [start, stop, state]; no two idle or fresh ones are neighbours."""

    def __init__(self, size):
        self.memory = fresh(size)
        self.spans = [[0, size, FRESH]]

    def gap(self, size):
        """(first, last) of the first spans in a row that nobody holds and that have so many bytes; None without any."""
        first = length = 0
        for i, (start, stop, state) in enumerate(self.spans):
            if state == HELD:
                first, length = i + 1, 0
                continue
            length += stop - start
            if length >= size:
                return first, i
        return None

    def take(self, first, last, size):
        """Hold `size` bytes of a gap -> (where they start, how many of them were idle)."""
        spans, start = self.spans[first : last + 1], self.spans[first][0]
        end = start + size
        idle = sum(min(stop, end) - begin for begin, stop, state in spans if state == IDLE)
        _, stop, state = spans[-1]
        self.spans[first : last + 1] = [[start, end, HELD], [end, stop, state]] if end < stop else [[start, end, HELD]]
        return start, idle

    def give(self, start):
        """What was taken there is idle."""
        i = next(i for i, span in enumerate(self.spans) if span[0] == start)
        self._set(i, IDLE)

    def trim(self, excess):
        """Give idle pages back to the system, the last ones first -> how many bytes, `excess` if there are so many."""
        given = 0
        for i in reversed(range(len(self.spans))):
            start, stop, state = self.spans[i]
            if state == IDLE and given < excess and hasattr(mmap, "MADV_DONTNEED"):
                cut = max(start, stop - _whole_pages(excess - given))
                self.memory.madvise(mmap.MADV_DONTNEED, cut, stop - cut)
                given += stop - cut
                self.spans[i : i + 1] = [[start, cut, IDLE], [cut, stop, IDLE]] if cut > start else [[cut, stop, IDLE]]
                self._set(i + (cut > start), FRESH)
        return given

    @property
    def is_fresh(self):
        return [state for *_, state in self.spans] == [FRESH]

    def _set(self, i, state):
        """The state of a span, which becomes one with neighbours of the same."""
        first = i - (i > 0 and self.spans[i - 1][2] == state)
        last = i + (i + 1 < len(self.spans) and self.spans[i + 1][2] == state)
        self.spans[first : last + 1] = [[self.spans[first][0], self.spans[last][1], state]]


class ResultMemory:
    """Hands out memory for results, and hands it out again once nobody holds them.

    What nobody holds is kept only as far as there was a time at which as much was held, and a sixth of that beyond: so
    it adds little to the most memory that the work takes, such as that in the middle of a training step.  Without the
    sixth, gaps between what is held that are too small for the next result would be given back and asked for again.
    """

    def __init__(self):
        self.free()

    def free(self):
        """Give back to the system what is kept; what is held still goes there when it is released."""
        self._returned = deque()  # (region, start, size) of results that are gone, from any thread and at any time
        self._regions = []
        self._held = self._most = self._idle = 0  # bytes, as far as `_take` knows

    @property
    def kept(self):
        """Bytes that nobody holds."""
        return self._idle + sum(size for *_, size in tuple(self._returned))

    def empty(self, shape, dtype):
        """An uninitialised array; one that is not small begins a page."""
        size = prod(shape) * dtype.itemsize
        sizes = tuning_in_force().sizes
        if size < sizes.small_result:
            return np.empty(shape, dtype)
        return np.ndarray(shape, dtype, self._take(_whole_pages(size), sizes))

    def _take(self, size, sizes):
        """So many bytes, whole pages, in an array that gives them back at its end."""
        with _lock:
            while self._returned:
                region, start, returned = self._returned.popleft()
                region.give(start)
                self._held -= returned
                self._idle += returned
            region, gap = next(((one, gap) for one in self._regions if (gap := one.gap(size))), (None, None))
            if region is None:
                region = self._another(size, sizes.result_region)
                gap = 0, 0
            start, reused = region.take(*gap, size)
            self._held += size
            self._most = max(self._most, self._held)
            self._idle -= reused
            may_be_kept = min(sizes.results_kept, self._most + self._most // SPARE - self._held)
            for one in reversed(self._regions):
                excess = self._idle - may_be_kept
                if excess > 0:
                    self._idle -= one.trim(excess)
            self._regions = [one for one in self._regions if not one.is_fresh]
            lent = _Lent(size, np.uint8, region.memory, start)
            lent.returned, lent.place = self._returned, (region, start, size)
            return lent

    def _another(self, size, usual):
        """Another region, smaller than usual where the system limits address space."""
        try:
            region = Region(max(size, usual))
        except MemoryError:
            region = Region(size)
        self._regions.append(region)
        return region


class _Lent(np.ndarray):
    """Stands between a region and the arrays made of it: it lives as long as the last of them, and then returns it."""

    returned = place = None  # where to, and what

    def __del__(self):
        if self.returned is not None:
            self.returned.append(self.place)


def _whole_pages(size):
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
