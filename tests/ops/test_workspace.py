"""Memory for results begins a cache line; scratch memory is used again, by the thread that has it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minissd.ops.workspace import CACHE_LINE, Workspace, empty


@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (3, 1000, 7)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_results_begin_a_cache_line(shape, dtype):
    array = empty(shape, np.zeros(1, dtype))
    assert (array.shape, array.dtype) == (shape, dtype)
    assert array.flags.c_contiguous and array.flags.writeable
    assert not array.size or array.ctypes.data % CACHE_LINE == 0


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
