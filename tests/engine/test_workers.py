"""Threads that wait for work: what they return, what they raise, what they let go of, and when they end."""

import threading
import weakref

import numpy as np
import pytest

from minissd.engine.cpu.workers import Workers


@pytest.fixture
def two():
    workers = Workers(2, "two", lambda: None)
    yield workers
    workers.close()


def test_results_come_in_the_order_of_the_functions(two):
    first_may_end = threading.Event()
    slow, fast = (lambda: first_may_end.wait(10)), (lambda: first_may_end.set() or "fast")
    assert two.beside(lambda: "own", [slow, fast]) == ["own", True, "fast"]


def test_all_have_ended_before_an_error_is_raised(two):
    ended = []

    def fail():
        raise ValueError("other")

    def own():
        raise KeyError("own")

    with pytest.raises(ValueError, match="other"):
        two.beside(lambda: None, [fail, lambda: ended.append(1)])
    with pytest.raises(KeyError, match="own"):  # the first in the order of the results
        two.beside(own, [fail, lambda: ended.append(2)])
    assert ended == [1, 2]
    assert two.beside(lambda: 1, [lambda: 2]) == [1, 2]  # and the threads are still there


def test_a_waiting_thread_keeps_nothing(two):
    array = np.ones(3)
    seen = weakref.ref(array)
    assert two.beside(int, [array.sum, array.sum]) == [0, 3, 3]
    del array
    two.beside(int, [int, int])  # both have come back for more
    assert seen() is None


def test_threads_end_with_the_last_reference():
    workers = Workers(2, "ending", lambda: None)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("ending")] == [
        "ending-0",
        "ending-1",
    ]
    del workers
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ending")]
