"""How many threads NumPy's BLAS uses; and fewer, while the pool of threads.py shares out an operation.

To most BLAS libraries that is one setting of the whole process, and operations of several threads of the program
overlap.  So the first block lowers it and remembers what it was, the last one restores that, and so does a forked
child, in which those that would have are gone.  To the others it is a setting of each thread: that is lowered and
restored where it is.
"""

import os
import threading
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

from minissd.engine.cpu.locks import fork_safe_lock


class BlasThreads:
    """The setting of this process: there is one such object, `minissd.engine.runtime.Runtime.blas`."""

    def __init__(self):
        self._lock = fork_safe_lock()  # for all that follows
        self._limits = {}  # a token for each block of `at_most` that somebody is in -> (number, thread)
        self._before = []  # (library of one setting, its number of threads before the first of them)
        self._lowered = None  # the number that these have been set to
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_child)

    def number(self):
        """The most threads that a BLAS library uses outside of `at_most`; 1 where none tells."""
        with self._lock:
            lowered = [number for _, number in self._before]
            return max(lowered or (library.num_threads for library in _libraries()), default=1)

    @contextmanager
    def at_most(self, number):
        """Within the block, BLAS uses no more threads; blocks of several threads may overlap in any order.

        Where there is one setting for the process, the lowest number of all blocks is that of all threads.
        """
        token, own = object(), [(one, one.num_threads) for one in _libraries() if _each_thread_sets(one)]
        try:
            for library, before in own:
                library.set_num_threads(min(before, number))
            with self._lock:
                if not self._limits:
                    self._before = [(one, one.num_threads) for one in _libraries() if not _each_thread_sets(one)]
                self._limits[token] = number, threading.get_ident()
                self._lower()
            yield
        finally:
            for library, before in own:
                library.set_num_threads(before)
            with self._lock:
                self._limits.pop(token, None)
                self._lower()

    def one_from_now_on(self):
        """BLAS uses one thread for what this thread computes, where each has a setting of its own."""
        for library in _libraries():
            if _each_thread_sets(library):
                library.set_num_threads(1)

    def _lower(self):
        """Set what holds for all threads as the blocks that there are ask for; without one, as it was before."""
        number = min((number for number, _ in self._limits.values()), default=None)
        for library, before in self._before if number != self._lowered else ():
            if self._lowered is None or library.num_threads == min(before, self._lowered):  # else set meanwhile
                _set_for_all(library, before if number is None else min(before, number))
        self._lowered = number
        if number is None:
            self._before = []

    def _begin_child(self):
        self._limits = {token: limit for token, limit in self._limits.items() if limit[1] == threading.get_ident()}
        self._lower()


@cache
def blas_architecture():
    """The kind of processor that OpenBLAS has chosen its kernels for; "" where BLAS is another one."""
    return next((getattr(library, "architecture", None) or "" for library in _libraries()), "")


@cache
def blas_name():
    """The library, its version, and the processor it has chosen its kernels for; "" where none tells."""
    names = ([one.internal_api, one.version, getattr(one, "architecture", None)] for one in _libraries())
    return next((" ".join(filter(None, name)) for name in names), "")


@cache
def _libraries():
    return ThreadpoolController().select(user_api="blas").lib_controllers


def _each_thread_sets(library):
    return library.internal_api == "mkl" or getattr(library, "threading_layer", None) == "openmp"


def _set_for_all(library, number):
    """Newer versions of threadpoolctl let one thread of the program change the setting and ignore all others until it
    has let go.  Here whichever comes last has to."""
    let_go = getattr(library, "clear_controlling_thread", lambda **_: None)
    let_go(force=True)
    library.set_num_threads(number)
    let_go()
