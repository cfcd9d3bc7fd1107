"""Sharing an operation's blocks among threads changes its time, not its result."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from threadpoolctl import threadpool_info, threadpool_limits

from minissd.engine import batch_norm, batch_norm_backward, conv2d, conv2d_backward
from minissd.engine.cpu import blas
from minissd.engine.cpu.blas import one_blas_thread
from minissd.engine.cpu.threads import elementwise, in_shares, in_turns, runs, threads_for
from minissd.properties.windows import convolutions, seeds


def blas_threads():
    """Of NumPy's BLAS: other packages bring one of their own, which has no part in this."""
    own = [one for one in threadpool_info() if one["user_api"] == "blas" and "numpy" in one["filepath"]]
    return max((one["num_threads"] for one in own), default=1)


@pytest.fixture
def two_threads():
    if not any("numpy" in one["filepath"] for one in threadpool_info()):
        pytest.skip("NumPy's BLAS does not let its threads be set")
    with threadpool_limits(2, user_api="blas"):
        yield


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a row or so, that small inputs too are shared out."""
    monkeypatch.setitem(sys.modules["minissd.engine.cpu.gathering"].BLOCK_BYTES, "numpy", 64)
    monkeypatch.setattr(sys.modules["minissd.engine.normalisation"], "BLOCK_BYTES", 64)


def test_shares_are_consecutive_and_come_back_in_order(two_threads):
    shares = in_shares(lambda share: (share, threading.get_ident(), blas_threads()), range(5), np)
    assert [share for share, _, _ in shares] == [[0, 1], [2, 3, 4]]
    assert len({thread for _, thread, _ in shares}) == 2
    assert [threads for _, _, threads in shares] == [1, 1]  # each thread's products stay on one core
    assert blas_threads() == 2  # as before


def test_pieces_are_taken_in_turns_and_come_back_in_order(two_threads):
    """The second thread does all the others while the first one waits for it."""
    others = threading.Semaphore(0)

    def work(piece):
        if piece == 0:
            assert all(others.acquire(timeout=10) for _ in range(5))
        else:
            others.release()
        return piece, threading.get_ident()

    results = in_turns(work, range(6), np)
    assert [piece for piece, _ in results] == list(range(6))
    assert len({thread for _, thread in results}) == 2
    assert in_turns(work, [], np) == []


def test_an_error_in_a_thread_reaches_the_caller(two_threads):
    def fail(share):
        if 3 in share:
            raise ValueError("block 3")

    with pytest.raises(ValueError, match="block 3"):
        in_shares(fail, range(4), np)
    assert blas_threads() == 2


def test_one_thread_or_one_block_is_one_share(two_threads):
    assert in_shares(len, ["a"], np) == [1]
    assert in_shares(len, [], np) == []
    with threadpool_limits(1, user_api="blas"):
        assert in_shares(len, range(5), np) == [5]


@pytest.mark.parametrize(("length", "count"), [(10, 3), (2, 5), (7, 7), (0, 2)])
def test_runs_cover_everything_once_and_evenly(length, count):
    parts = runs(length, count)
    assert [i for part in parts for i in range(length)[part]] == list(range(length))
    assert len(parts) == min(length, count)
    sizes = [part.stop - part.start for part in parts]
    assert not sizes or max(sizes) - min(sizes) <= 1


def test_little_work_stays_in_one_thread(two_threads, strict):
    assert threads_for(1000, np) == 1
    assert threads_for(10**9, np) == 2
    assert threads_for(10**9, strict) == 1


@pytest.mark.parametrize("size", [0, 1, 5, 64, 100])
def test_element_wise_work_reaches_every_element(two_threads, monkeypatch, size, rng):
    monkeypatch.setattr("minissd.engine.cpu.threads.ELEMENTS", 7)
    a, b = rng.standard_normal((2, size, 2))
    np.testing.assert_array_equal(elementwise(np.subtract, a, b[::-1]), a - b[::-1])


@given(convolutions(), seeds)
def test_a_convolution_gives_the_same_on_two_threads(small_blocks, geometry, seed):
    x = geometry.x(seed)
    w = np.random.default_rng(seed).standard_normal((*geometry.kernel, x.shape[3], 4))
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            y, cache = conv2d(x, w, np.arange(4.0), **geometry.options)
            dy = np.random.default_rng(0).standard_normal(y.shape)
            results.append((y, *conv2d_backward(dy, cache), conv2d_backward(dy, cache, need_dx=False)[1]))
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-10)


def test_batch_norm_gives_the_same_on_two_threads(small_blocks, rng):
    x, dy = rng.standard_normal((2, 4, 5, 6, 3))
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            y, cache = batch_norm(x, np.ones(3), np.zeros(3), np.zeros(3), np.ones(3), train=True)
            results.append((y, *batch_norm_backward(dy, cache)))
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)


def test_blocks_of_two_threads_that_overlap_leave_blas_as_it_was(two_threads):
    """The second begins while the first has BLAS on one thread, and ends after it: it must not restore that."""
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))
    seen = []

    def first():
        with one_blas_thread():
            first_is_in.set()
            second_is_in.wait(10)
        first_is_out.set()

    def second():
        first_is_in.wait(10)
        seen.append(threads_for(10**9, np))  # as if it were alone: what it computes does not depend on timing
        with one_blas_thread():
            second_is_in.set()
            first_is_out.wait(10)
            seen.append(blas_threads())

    both = [threading.Thread(target=target) for target in (first, second)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(20)
    assert seen == [2, 1]
    assert blas_threads() == 2


class Library:
    """Of threadpoolctl: a BLAS that keeps one setting, or one for each thread."""

    def __init__(self, internal_api):
        self.internal_api = internal_api
        self.setting = threading.local() if internal_api == "mkl" else type("Setting", (), {})()

    @property
    def num_threads(self):
        return getattr(self.setting, "number", 4)

    def set_num_threads(self, number):
        self.setting.number = number


@pytest.mark.parametrize("internal_api", ["openblas", "mkl"])
def test_every_thread_computes_on_one_thread_of_blas_and_finds_it_as_it_was(internal_api, monkeypatch):
    """Whichever way the setting is kept, and in whichever order the two blocks end."""
    library = Library(internal_api)
    monkeypatch.setattr(blas, "_libraries", lambda: [library])
    both_are_in, seen = threading.Barrier(2, timeout=10), []

    def work(wait):
        with one_blas_thread():
            both_are_in.wait()
            seen.append(library.num_threads)
            time.sleep(wait)
        both_are_in.wait()
        seen.append(library.num_threads)

    both = [threading.Thread(target=work, args=[wait]) for wait in (0, 0.1)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(20)
    assert sorted(seen) == [1, 1, 4, 4]
    assert library.num_threads == 4


def test_a_limit_that_was_set_meanwhile_is_left(monkeypatch):
    library = Library("openblas")
    monkeypatch.setattr(blas, "_libraries", lambda: [library])
    with one_blas_thread():
        library.set_num_threads(3)
    assert library.num_threads == 3


def test_many_operations_at_once_are_right_and_leave_blas_as_it_was(two_threads, small_blocks, rng):
    x, w = rng.standard_normal((4, 9, 9, 3)), rng.standard_normal((3, 3, 3, 4))
    expected, _ = conv2d(x, w, pad=1, algorithm="im2col")
    wrong = []

    def keep_going():
        for _ in range(100):
            y, _ = conv2d(x, w, pad=1, algorithm="im2col")
            if not np.array_equal(y, expected):
                wrong.append(y)

    threads = [threading.Thread(target=keep_going) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    assert blas_threads() == 2


def test_an_interrupt_in_a_share_leaves_blas_as_it_was(two_threads):
    def work(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_shares(work, range(4), np)
    assert blas_threads() == 2
    assert in_shares(len, range(4), np) == [2, 2]


def test_work_that_is_shared_out_within_a_share_stays_in_its_thread(two_threads):
    def work(share):
        return threads_for(10**9, np), in_shares(lambda inner: threading.get_ident(), range(5), np)

    for threads, inner in in_shares(work, range(2), np):
        assert threads == 1 and len(inner) == 1


def exit_status(child, seconds=20):
    """Of a forked process; None, and an end to it, if it does not come to one."""
    for _ in range(seconds * 20):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_makes_threads_of_its_own(two_threads):
    in_shares(len, range(4), np)
    child = os.fork()
    if child == 0:
        os._exit(0 if in_shares(len, range(4), np) == [2, 2] else 1)
    assert exit_status(child) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_process_forked_amid_work_has_blas_as_it_was_and_computes(two_threads, small_blocks, rng):
    x, w = rng.standard_normal((4, 20, 20, 16)), rng.standard_normal((3, 3, 16, 16))
    expected, _ = conv2d(x, w, pad=1, algorithm="im2col")
    stop = threading.Event()

    def keep_going():
        while not stop.is_set():
            conv2d(x, w, pad=1, algorithm="im2col")

    busy = threading.Thread(target=keep_going)
    busy.start()
    try:
        statuses = []
        for _ in range(20):
            child = os.fork()
            if child == 0:
                right = blas_threads() == 2 and in_shares(len, range(4), np) == [2, 2]
                os._exit(0 if right and np.array_equal(conv2d(x, w, pad=1, algorithm="im2col")[0], expected) else 1)
            statuses.append(exit_status(child))
    finally:
        stop.set()
        busy.join(20)
    assert statuses == [0] * 20
    assert blas_threads() == 2
