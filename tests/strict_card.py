"""The card that the strict stand-in for CuPy has: its memory, its driver, its name.

`Pool` counts what stand-in arrays hold, under the names of CuPy's memory pool.  Its limit makes the card as small as a
test wants it: what goes beyond it raises the error that CuPy raises.
"""

import contextlib
import gc
import weakref
from functools import partial
from types import SimpleNamespace

UNIT = 512  # bytes: CuPy hands out multiples of this
MEMORY = 8 << 30


class OutOfMemoryError(MemoryError):
    """In CuPy a MemoryError too, with these words."""

    def __init__(self, size, total, limit):
        so_far = f"allocated so far: {total:,} bytes, limit set to: {limit:,} bytes"
        super().__init__(f"Out of memory allocating {size:,} bytes ({so_far}).")


class Pool:
    """A freed block stays in the pool: `total_bytes` is the most that was used since the last `free_all_blocks`."""

    def __init__(self):
        self._alive, self._used, self._total, self._limit = {}, 0, 0, 0

    def hold(self, host):
        """Count a NumPy array, or the one that it is a view of, as long as it lives."""
        while getattr(host, "base", None) is not None:
            host = host.base
        key = id(host)
        if key in self._alive or not hasattr(host, "nbytes"):
            return
        size = -(-host.nbytes // UNIT) * UNIT
        if self._limit and self._used + size > self._limit:
            gc.collect()  # as CuPy does before it gives up
            if self._used + size > self._limit:
                raise OutOfMemoryError(size, self._total, self._limit)
        self._alive[key] = weakref.ref(host, partial(self._release, key, size))
        self._used += size
        self._total = max(self._total, self._used)

    def _release(self, key, size, _):
        del self._alive[key]
        self._used -= size

    def used_bytes(self):
        return self._used

    def total_bytes(self):
        return self._total

    def free_bytes(self):
        return self._total - self._used

    def free_all_blocks(self, stream=None):
        self._total = self._used

    def set_limit(self, size=None, fraction=None):
        """In bytes, or as a part of the card's memory; 0 for no limit."""
        self._limit = int(MEMORY * fraction) if size is None else size

    def get_limit(self):
        return self._limit


class Device(contextlib.nullcontext):
    """A card by its number; `with` it or `use()` it, here to no effect."""

    def __init__(self, index=0):
        super().__init__()
        self.id = index

    def use(self):
        pass


class CompileException(Exception):
    """What CuPy raises when a kernel of its own does not compile: no RuntimeError."""


pool = Pool()
runtime = SimpleNamespace(
    getDeviceCount=lambda: 1,
    getDeviceProperties=lambda index: {"name": b"Strict stand-in", "major": 9, "minor": 0},
    memGetInfo=lambda: (MEMORY - pool.total_bytes(), MEMORY),
    runtimeGetVersion=lambda: 13020,
    driverGetVersion=lambda: 13010,
)
cuda = SimpleNamespace(
    runtime=runtime,
    Device=Device,
    memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
    compiler=SimpleNamespace(CompileException=CompileException),
)
