"""Scratch memory: each thread's own, in loans that end, the last one first.

    with loan() as scratch:
        rows = scratch((6, n, c), x)  # uninitialised, and gone with the block

A loan takes the next bytes of one piece of memory, and its end gives them back.  So two loans never have the same
bytes, the next one finds them still in the cache, and what is needed is the most that is lent at a time.  Where the
piece is too small, an array has memory of its own, and the next operation finds a piece that is large enough.
"""

import threading
from math import prod

import numpy as np

from minissd.device import array_module
from minissd.engine.cpu.memory import fresh
from minissd.engine.tuning import tuning_in_force

CACHE_LINE = 64  # bytes, and the length of AVX-512's vectors
FAR_TOO_MUCH = 2  # times what a loan of some size needs: then the large maps of other layers need the memory


class Arena:
    """The scratch memory of one thread."""

    def __init__(self):
        self.latest = None  # of the loans that have not ended the one that began last
        self.top = self.peak = 0  # bytes that are lent, and the most of them since none were
        self.resize(0)

    def resize(self, size):
        self.size, self.memory = size, fresh(size) if size else bytearray()

    def rest(self):
        """All loans have ended: get as much as they needed, or give back what is far too much."""
        sizes, needed, self.peak = tuning_in_force().sizes, self.peak, 0
        if needed > self.size:
            self.resize(needed)
        elif self.size > sizes.scratch_kept and sizes.scratch_some <= needed < self.size // FAR_TOO_MUCH:
            self.resize(0)


class Loan:
    """Scratch memory until the end of a `with` block."""

    __slots__ = ("arena", "before", "start")

    def __init__(self, arena):
        self.arena = arena

    def __enter__(self):
        arena = self.arena
        self.before, self.start = arena.latest, arena.top
        arena.latest = self
        return self

    def __call__(self, shape, like, dtype=None):
        """An uninitialised array on the device of `like`, and of its dtype unless another is given.

        RuntimeError after the end of the loan, and while one that began later lasts, which would end it too early.
        """
        dtype = like.dtype if dtype is None else dtype
        if type(like) is not np.ndarray and (xp := array_module(like)) is not np:
            return xp.empty(shape, dtype)  # CuPy has such memory itself
        arena = self.arena
        if arena.latest is not self:
            raise RuntimeError("scratch memory: this loan has ended, or one that began later has not")
        start = arena.top
        arena.top = end = start - (-prod(shape) * dtype.itemsize // CACHE_LINE) * CACHE_LINE
        if end > arena.peak:
            arena.peak = end
        if end > arena.size:
            return np.ndarray(shape, dtype, fresh(max(end - start, 1)))
        return np.ndarray(shape, dtype, arena.memory, start)

    def __exit__(self, error, *_):
        arena = self.arena
        inner = arena.latest
        while inner not in (self, None):  # left open by an interrupt, or about to end too late
            inner = inner.before
        overlap = arena.latest is not self
        if inner is self:
            arena.latest, arena.top = self.before, self.start
        if overlap and error is None:
            raise RuntimeError("scratch memory: this loan ended before one that began later")
        if self.before is None:
            arena.rest()


class Arenas:
    """An arena for every thread that asks."""

    def __init__(self):
        self.free()

    def free(self):
        """Give all memory back: that of a loan which has not ended when it does."""
        self._here = threading.local()

    def arena(self):
        try:
            return self._here.arena
        except AttributeError:
            self._here.arena = Arena()
            return self._here.arena
