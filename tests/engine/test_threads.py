"""Sharing an operation's blocks among threads changes its time, not its result."""

import threading

import numpy as np
import pytest
from hypothesis import given
from numpy_blas import blas_threads
from threadpoolctl import threadpool_limits

from minissd.engine import batch_norm, batch_norm_backward, conv2d, conv2d_backward
from minissd.engine.cpu.threads import elementwise, in_shares, in_turns, runs, threads_for
from minissd.engine.tuning import tuned
from minissd.properties.windows import convolutions, seeds


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
def test_element_wise_work_reaches_every_element(two_threads, size, rng):
    a, b = rng.standard_normal((2, size, 2))
    with tuned(elementwise_part=7):
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


def test_work_that_is_shared_out_within_a_share_stays_in_its_thread(two_threads):
    def work(share):
        return threads_for(10**9, np), in_shares(lambda inner: threading.get_ident(), range(5), np)

    for threads, inner in in_shares(work, range(2), np):
        assert threads == 1 and len(inner) == 1
