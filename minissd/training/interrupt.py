"""Ctrl-C, SIGTERM and SIGHUP at a moment when nothing is half done.

Signals come to the main thread only, and a program may treat one in a way of its own, or ignore it, as nohup lets it:
elsewhere, and with such a signal, the blocks below simply run.
"""

import signal
import threading
from contextlib import contextmanager

_TOLD_TO_END = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows: the first


class Terminated(SystemExit):
    """A signal told the process to end; as the code of shells has it, 128 + the number of the signal."""


@contextmanager
def stoppable():
    """While the block runs, SIGTERM and SIGHUP raise `Terminated`, as Ctrl-C raises KeyboardInterrupt."""
    ours = [number for number in _TOLD_TO_END if _in_main_thread() and signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _raise_terminated)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def interrupt_at_the_end():
    """Hold Ctrl-C, and what `stoppable` listens to, back while the block runs; then raise what the first one means."""
    held = {}
    if _in_main_thread():
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, *_TOLD_TO_END)}
        ours = (signal.default_int_handler, _raise_terminated)
        held = {number: handler for number, handler in handlers.items() if handler in ours}
    arrived = []
    for number in held:
        signal.signal(number, lambda number, _frame: arrived.append(number))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
    if arrived:
        held[arrived[0]](arrived[0], None)


def _raise_terminated(number, _frame):
    raise Terminated(128 + number)


def _in_main_thread():
    return threading.current_thread() is threading.main_thread()
