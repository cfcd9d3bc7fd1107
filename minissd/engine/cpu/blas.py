"""How many threads NumPy's BLAS uses; and one, while the pool of threads.py shares out an operation.

To most BLAS libraries that is one setting of the whole process, and operations of several threads of the program
overlap.  So the first one lowers it and remembers what it was, the last one restores that, and so does a forked child,
in which those that would have are gone.  To the others it is a setting of each thread: that is lowered and restored
where it is.
"""

import os
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

from minissd.engine.cpu.locks import fork_safe_lock

_lock = fork_safe_lock()  # for the two below
_limiting: set[object] = set()  # a token for each block of `one_blas_thread` that somebody is in
# (library of one setting, its number of threads before the first of them); empty if there is none
_before: list[tuple[Any, int]] = []


def blas_threads():
    """The most threads that a BLAS library uses outside of `one_blas_thread`; 1 where none tells."""
    with _lock:
        lowered = [number for _, number in _before]
        return max(lowered or (library.num_threads for library in _libraries()), default=1)


@contextmanager
def one_blas_thread():
    """Within the block, BLAS uses one thread; blocks of several threads may overlap in any order."""
    token, own = object(), [(library, library.num_threads) for library in _libraries() if _each_thread_sets(library)]
    try:
        for library, _ in own:
            library.set_num_threads(1)
        with _lock:
            if not _limiting:
                _before.extend((one, one.num_threads) for one in _libraries() if not _each_thread_sets(one))
                for library, _ in _before:
                    _set_for_all(library, 1)
            _limiting.add(token)
        yield
    finally:
        for library, number in own:
            library.set_num_threads(number)
        with _lock:
            _limiting.discard(token)
            if not _limiting:
                _restore()


def one_blas_thread_here():
    """From now on, BLAS uses one thread for what this thread computes, where each has a setting of its own."""
    for library in _libraries():
        if _each_thread_sets(library):
            library.set_num_threads(1)


@cache
def blas_architecture():
    """The kind of processor that OpenBLAS has chosen its kernels for; "" where BLAS is another one."""
    return next((getattr(library, "architecture", None) or "" for library in _libraries()), "")


@cache
def _libraries():
    return ThreadpoolController().select(user_api="blas").lib_controllers


def _each_thread_sets(library):
    return library.internal_api == "mkl" or getattr(library, "threading_layer", None) == "openmp"


def _restore():
    for library, number in _before:
        if library.num_threads == 1:  # else somebody set it meanwhile
            _set_for_all(library, number)
    _before.clear()


def _set_for_all(library, number):
    """Newer versions of threadpoolctl let one thread of the program change the setting and ignore all others until it
    has let go.  Here whichever comes last has to."""
    let_go = getattr(library, "clear_controlling_thread", lambda **_: None)
    let_go(force=True)
    library.set_num_threads(number)
    let_go()


def _begin_child():
    _limiting.clear()
    _restore()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)
