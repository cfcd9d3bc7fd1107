"""Fair times on a machine that is never quite still."""

import gc
import time

PAUSE = 0.05  # seconds before each call: idle threads of the other side's BLAS spin for a while and take a core


def milliseconds(side):
    """Of one call, by the clock on the wall."""
    started = time.perf_counter()
    side()
    return (time.perf_counter() - started) * 1e3


def interleaved(sides, repeat, report, clock=milliseconds):
    """Milliseconds of every call, as `clock` takes them of a side: dict side -> list of `repeat` values.

    sides: name -> function without arguments.  They take turns, A B A B, so that whatever slows the machine for a
    moment slows all of them alike; the caller takes medians.  A third as many turns go before, untimed, to warm them
    up: the first ones also pay for memory that the system has to clear.  In a turn a side is called twice, and the
    second call counts, as in a training loop: after a pause the system may start both threads of a side on one core,
    and needs some 10 ms to see that the other one is idle.
    report(done, total) is called after every timed turn.
    """
    for side in list(sides.values()) * fewer(repeat):
        side()
    times = {name: [] for name in sides}
    gc.collect()
    for turn in range(repeat):
        for name, side in sides.items():
            time.sleep(PAUSE)
            side()
            times[name].append(clock(side))
        report(turn + 1, repeat)
    return times


def fewer(repeat):
    """How often to repeat what takes seconds, or has many parts."""
    return max(1, repeat // 3)
