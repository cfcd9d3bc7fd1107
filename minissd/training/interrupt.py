"""Ctrl-C at a moment when nothing is half done."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def interrupt_at_the_end():
    """Hold Ctrl-C back while the block runs, then raise its KeyboardInterrupt.

    Signals come to the main thread only, and a program may treat Ctrl-C in a way of its own: elsewhere the block
    simply runs.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    pressed = []
    signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed:
        raise KeyboardInterrupt
