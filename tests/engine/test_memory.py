"""Memory for results serves again when nobody holds it; loans of scratch memory end, and never have the same bytes."""

import mmap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conv2d_runs import run
from hypothesis import given
from hypothesis import strategies as st

from minissd.engine import Runtime
from minissd.engine.cpu.arena import CACHE_LINE, Arena, Arenas, Loan
from minissd.engine.cpu.memory import SPARE
from minissd.engine.runtime import empty, loan
from minissd.engine.tuning import shipped, tuned

BYTE, SMALL = np.zeros(1, np.uint8), shipped().sizes.small_result


@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (3, 1000, 70)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_results_begin_a_cache_line(shape, dtype):
    array = empty(shape, np.zeros(1, dtype))
    assert (array.shape, array.dtype, type(array)) == (shape, dtype, np.ndarray)
    assert array.flags.c_contiguous and array.flags.writeable
    assert array.nbytes < SMALL or array.ctypes.data % CACHE_LINE == 0


def test_memory_of_a_result_serves_again_when_its_last_view_is_gone():
    like, shape = np.zeros(1, "float32"), (3, 123, 457)
    with Runtime():
        first = empty(shape, like)
        place, view = first.ctypes.data, first[1:, ::2].T
        del first
        other = empty(shape, like)
        assert other.ctypes.data != place  # a view still looks at it
        view[...] = 1
        del view
        assert empty(shape, like).ctypes.data == place


def test_no_more_is_kept_than_said():
    with tuned(results_kept=1 << 20), Runtime() as runtime:
        results = [empty((size << 10,), BYTE) for size in range(100, 140)]
        del results
        last = empty((99 << 10,), BYTE)
        assert 0 < runtime.kept <= 1 << 20
        del last


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=40))
def test_what_is_kept_adds_a_sixth_at_most_to_the_most_that_was_held(orders):
    """Not even when sizes change from one moment to the next, and none serves again."""
    held, most = [], 0
    with Runtime() as runtime:
        for size, release in orders:
            if release:
                del held[: len(held) // 2]
            held.append(empty((size * SMALL,), BYTE))
            holding = sum(array.size for array in held)
            most = max(most, holding)
            assert holding + runtime.kept <= most + most // SPARE


@given(st.lists(st.tuples(st.integers(1, 8 * SMALL), st.integers(0, 5)), max_size=40))
def test_two_results_never_share_memory(orders):
    """In regions that one result fills, or several; whatever is given back to the system between them."""
    held = []
    with tuned(small_result=1, result_region=10 * SMALL, results_kept=3 * SMALL), Runtime():
        for number, (size, release) in enumerate(orders):
            array = empty((size,), BYTE)
            array.fill(number)
            held.append((array, number))
            if release < len(held):
                del held[release]
            assert all((array == number).all() for array, number in held)


def test_the_same_step_finds_the_same_places_again():
    def step():
        first, second = empty((3 * SMALL,), BYTE), empty((2 * SMALL,), BYTE)
        del first
        third, fourth = empty((SMALL,), BYTE), empty((SMALL,), BYTE)
        return [array.ctypes.data for array in (second, third, fourth)]

    with Runtime():
        assert step() == step()


def test_what_is_not_kept_goes_back_to_the_system():
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux to say how much memory the process has")
    gone = 64 << 20

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

    with tuned(results_kept=1 << 20), Runtime():
        result = empty((gone,), BYTE)
        result.fill(1)
        before = resident()
        del result
        empty((SMALL,), BYTE)
        assert before - resident() > gone // 2


def test_what_the_system_does_not_have_is_a_memory_error():
    with pytest.raises(MemoryError, match="no 4,611,686,018,427,387,904 bytes"):
        empty((1 << 62,), BYTE)


@given(st.lists(st.lists(st.integers(0, 3000), max_size=4), max_size=5))
def test_loans_never_have_the_same_bytes_and_begin_cache_lines(sizes):
    """Loans within loans, each of several arrays; twice, so that the second time finds memory."""
    own = Arena()

    def lend(sizes, number):
        if not sizes:
            return
        with Loan(own) as scratch:
            arrays = [scratch((size,), BYTE) for size in sizes[0]]
            for array in arrays:
                assert array.ctypes.data % CACHE_LINE == 0 or not array.size
                array.fill(number)
            lend(sizes[1:], number + 1)
            assert all((array == number).all() for array in arrays)

    for _ in range(2):
        lend(sizes, 0)
        assert own.top == 0 and own.latest is None


def test_the_next_loan_of_a_thread_has_the_same_memory_and_another_thread_has_its_own():
    arenas = Arenas()

    def place():
        with Loan(arenas.arena()) as scratch:
            return scratch((4, 5), np.zeros(1, "float32")).ctypes.data

    place()
    assert place() == place()
    with ThreadPoolExecutor(1) as pool, Loan(arenas.arena()):
        assert pool.submit(place).result() != place()


def test_loans_that_overlap_are_refused():
    with loan() as outer, loan(), pytest.raises(RuntimeError, match="one that began later has not"):
        outer((3,), BYTE)
    with pytest.raises(RuntimeError, match="has ended"):
        outer((3,), BYTE)

    def lending():
        with loan() as scratch:
            yield scratch((3,), BYTE)

    first, second = lending(), lending()
    next(first), next(second)
    with pytest.raises(RuntimeError, match="ended before one that began later"):
        next(first)
    second.close()
    with loan() as scratch:  # as good as new
        assert scratch((3,), BYTE).size == 3


def test_an_error_within_a_loan_ends_it_and_those_within():
    inner = loan()
    with pytest.raises(KeyboardInterrupt), loan() as scratch:
        scratch((3,), BYTE)
        inner.__enter__()  # an interrupt may come before its block begins
        raise KeyboardInterrupt
    with loan() as scratch:
        assert scratch((3,), BYTE).size == 3


def test_an_array_for_which_there_is_no_room_leaves_those_that_are_lent_where_they_are():
    own = Arena()
    for _ in range(2):  # the second time there is room
        with Loan(own) as scratch:
            first, second = scratch((1000,), BYTE), scratch((5000,), BYTE)
            first.fill(1), second.fill(2)
            with Loan(own) as more:
                assert more((0,), BYTE).size == 0
                more((70,), BYTE).fill(3)
            assert (first == 1).all() and (second == 2).all()
    assert own.size >= 6000


def test_much_scratch_memory_is_given_back_when_loans_of_some_size_need_little():
    own = Arena()

    def lend(size):
        with Loan(own) as scratch:
            scratch((size,), BYTE)
        return own.size

    with tuned(scratch_kept=1 << 20, scratch_some=1 << 10):
        assert lend(2 << 20) == lend(1 << 20) == lend(100) >= 2 << 20
        assert lend(2 << 10) == 0


@pytest.mark.parametrize(("algorithm", "stride"), [("winograd", 1), ("winograd-rows", 1), ("strided", 2)])
def test_what_a_loan_left_is_read_by_nobody(algorithm, stride, rng, monkeypatch):
    arrays = [rng.standard_normal(shape) for shape in ((2, 9, 13, 3), (3, 3, 3, 4), (4,))]
    expected = run("im2col", *arrays, {"pad": 1, "stride": stride})
    end = Loan.__exit__

    def spoil(self, *error):
        own = self.arena
        np.frombuffer(own.memory, np.uint8)[self.start : own.top] = 0xFF  # NaN
        end(self, *error)

    monkeypatch.setattr(Loan, "__exit__", spoil)
    for _ in range(2):
        for ours, right in zip(run(algorithm, *arrays, {"pad": 1, "stride": stride}), expected, strict=True):
            np.testing.assert_allclose(ours, right, rtol=1e-9, atol=1e-9)
