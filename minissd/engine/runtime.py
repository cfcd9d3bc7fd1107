"""What the fast operations keep from one call to the next, in one object, with the choices that hold for a block.

    with Runtime(threads=2) as runtime:  # within the block, an operation is shared out among two threads
        model.detect(images)

Without such a block there is one that takes threads and memory as they are needed.  Which one is in use, and with which
choices, is a matter of the thread or asynchronous task; another thread enters a block of its own,
`with runtime.in_use():`.  Operations of several threads may run in one runtime at the same time.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from copy import copy
from typing import Any

import numpy as np

from minissd.device import Array, array_module
from minissd.engine.cpu.arena import Arenas, Loan
from minissd.engine.cpu.blas import BlasThreads
from minissd.engine.cpu.locks import fork_safe_lock
from minissd.engine.cpu.memory import ResultMemory
from minissd.engine.cpu.workers import Workers
from minissd.ops.geometry import whole

_lock = fork_safe_lock()  # for the pools of all


class Runtime:
    """Threads, scratch memory, memory for results; the precision and the functions in force.

    threads: among how many an operation is shared out; None for as many as NumPy's BLAS uses at the time.
    """

    blas = BlasThreads()  # a setting of the process: the same for all

    def __init__(self, threads: int | None = None):
        self.threads = None if threads is None else whole(threads, "Runtime: threads", 1)
        self.precision = "fp32"  # as in products.py
        self.functions: Mapping[str, Callable] = {}  # in place of the fast ones, as in `minissd.engine.use`
        self._pools: dict[tuple[int, int], Workers] = {}
        self._arenas, self._results = Arenas(), ResultMemory()

    def close(self) -> None:
        """End the threads and give the memory back; results that somebody holds stay as they are.

        No operation may be under way in another thread.  One that comes later takes threads and memory anew.
        """
        with _lock:
            own = [self._pools.pop(key) for key in list(self._pools) if key[0] == os.getpid()]
        for pool in own:
            pool.close()
        self._arenas.free()
        self._results.free()

    @contextmanager
    def in_use(self) -> Iterator["Runtime"]:
        """Within the block, operations that this thread calls run in this runtime."""
        with self.blas.at_most(self.threads) if self.threads else nullcontext():  # for products that are left to BLAS
            token = _in_use.set(self)
            try:
                yield self
            finally:
                _in_use.reset(token)

    def __enter__(self) -> "Runtime":
        if hasattr(self, "_block"):
            raise RuntimeError("this Runtime has a with block already: use `with runtime.in_use():` in another thread")
        self._block = self.in_use()
        return self._block.__enter__()

    def __exit__(self, *error: Any) -> None:
        block = self._block
        del self._block
        block.__exit__(*error)
        self.close()

    def thread_count(self) -> int:
        """Among how many threads an operation is shared out."""
        return self.threads or self.blas.number()

    def pool(self, workers: int) -> Workers:
        """So many threads, to be used beside the one that calls."""
        key = os.getpid(), workers  # a forked process inherits the pool, but not its threads
        with _lock:
            if key not in self._pools:
                one_thread_each = self.blas.one_from_now_on
                self._pools[key] = Workers(workers, "minissd-engine", one_thread_each)
            return self._pools[key]

    @property
    def kept(self) -> int:
        """Bytes of memory for results that nobody holds any more."""
        return self._results.kept


_ordinary = Runtime()
_in_use: ContextVar[Runtime] = ContextVar("minissd.engine.runtime", default=_ordinary)


def current() -> Runtime:
    """The runtime in use."""
    return _in_use.get()


@contextmanager
def choosing(**choices: Any) -> Iterator[None]:
    """Within the block, the runtime in use with another `precision` or other `functions`."""
    changed = copy(current())  # with the same threads and memory
    vars(changed).update(choices)
    token = _in_use.set(changed)
    try:
        yield
    finally:
        _in_use.reset(token)


def loan() -> Loan:
    """Scratch memory for a `with` block, as in cpu/arena.py."""
    return Loan(_in_use.get()._arenas.arena())


def empty(shape: tuple[int, ...], like: Array, dtype: np.dtype | None = None) -> Array:
    """An uninitialised array on the device of `like`, and of its dtype unless another is given; in host memory often
    used before."""
    xp, dtype = array_module(like), like.dtype if dtype is None else dtype
    return _in_use.get()._results.empty(shape, dtype) if xp is np else xp.empty(shape, dtype=dtype)
