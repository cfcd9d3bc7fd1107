"""BLAS is set as it was after work in threads: of several at once, after an error, in a forked process."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from numpy_blas import blas_threads

from minissd.engine import conv2d
from minissd.engine.cpu import blas
from minissd.engine.cpu.threads import in_shares, threads_for
from minissd.engine.runtime import Runtime


def test_blocks_of_two_threads_that_overlap_leave_blas_as_it_was(two_threads):
    """The second begins while the first has BLAS on one thread, and ends after it: it must not restore that."""
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))
    seen = []

    def first():
        with Runtime.blas.at_most(1):
            first_is_in.set()
            second_is_in.wait(10)
        first_is_out.set()

    def second():
        first_is_in.wait(10)
        seen.append(threads_for(10**9, np))  # as if it were alone: what it computes does not depend on timing
        with Runtime.blas.at_most(1):
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
        with Runtime.blas.at_most(1):
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
    with Runtime.blas.at_most(1):
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
