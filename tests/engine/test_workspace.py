"""Memory for results begins a cache line; scratch memory is used again, by the thread that has it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.engine.cpu import workspace
from minissd.engine.cpu.workspace import CACHE_LINE, SMALL, Workspace, empty


@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (3, 1000, 70)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_results_begin_a_cache_line(shape, dtype):
    array = empty(shape, np.zeros(1, dtype))
    assert (array.shape, array.dtype) == (shape, dtype)
    assert array.flags.c_contiguous and array.flags.writeable
    assert array.nbytes < SMALL or array.ctypes.data % CACHE_LINE == 0


def test_memory_of_a_result_is_lent_again_when_its_last_view_is_gone():
    like, shape = np.zeros(1, "float32"), (3, 123, 457)
    first = empty(shape, like)
    place, view = first.ctypes.data, first[1:, ::2].T
    del first
    other = empty(shape, like)
    assert other.ctypes.data != place  # a view still looks at it
    view[...] = 1
    del view
    assert empty(shape, like).ctypes.data == place


def test_no_more_is_kept_than_said(monkeypatch):
    monkeypatch.setattr(workspace, "KEPT", 1 << 20)
    like = np.zeros(1, "uint8")
    results = [empty((size << 10,), like) for size in range(100, 140)]
    del results
    empty((99 << 10,), like)
    assert sum(memory.size for memory in workspace._idle) <= 1 << 20


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=40))
def test_two_results_never_share_memory(orders):
    held = []
    for size, keep in orders:
        array = empty((size * SMALL,), np.zeros(1, "uint8"))
        array.fill(len(held))
        if keep:
            held.append((array, len(held)))
    assert all((array == number).all() for array, number in held)


def test_scratch_arrays_are_used_again_by_the_same_thread_only():
    space, like = Workspace(), np.zeros(1, "float32")
    first = space("a", (4, 5), like)
    assert first.shape == (4, 5) and first.dtype == np.float32
    assert np.shares_memory(first, space("a", (2, 3), like))
    assert not np.shares_memory(first, space("b", (2, 3), like))
    assert space("a", (2, 3), like.astype("float64")).dtype == np.float64
    assert space("a", (10, 10), like).shape == (10, 10)
    with ThreadPoolExecutor(1) as pool:
        assert not np.shares_memory(space("a", (4, 5), like), pool.submit(space, "a", (4, 5), like).result())
