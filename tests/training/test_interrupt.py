"""Ctrl-C is held back until the block is done."""

import signal
import threading

import pytest

from minissd.training.interrupt import interrupt_at_the_end


@pytest.fixture(autouse=True)
def default_handler():
    """What Python does with Ctrl-C, whatever the test runner made of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_block_runs_to_its_end_first():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupt_at_the_end():
        signal.raise_signal(signal.SIGINT)
        done.append("the rest")
    assert done == ["the rest"]


def test_afterwards_ctrl_c_is_what_it_was():
    with interrupt_at_the_end():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_an_error_of_the_block_passes_through():
    with pytest.raises(ValueError, match="mine"), interrupt_at_the_end():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("mine")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_programs_own_handler_is_left_alone():
    caught = []
    signal.signal(signal.SIGINT, lambda *_: caught.append("own"))
    with interrupt_at_the_end():
        signal.raise_signal(signal.SIGINT)
        assert caught == ["own"]


def test_in_another_thread_the_block_just_runs():
    done = []

    def work():
        with interrupt_at_the_end():
            done.append("work")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["work"]
