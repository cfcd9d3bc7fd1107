"""Peak memory, measured in a fresh process for each side.

The peak is the kernel's own high-water mark, VmHWM.  The `ru_maxrss` of getrusage will not do: a new process inherits
it from the one that started it, so a child of a large process would seem to need nothing.
"""

import gc
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

CALLS = 2  # the second call of a training step meets the momentum and the gradients of the first
STATUS = Path("/proc/self/status")


def peak_growth(prepare, *arguments):
    """(MiB, results): how far `prepare(*arguments)()` raises the memory of a fresh process at its worst moment, and
    what its CALLS calls returned, for a check that they did the work.

    What `prepare` itself builds (imports, model, batch) is there before and does not count.  prepare: a function
    that can be pickled.  None where there is no /proc to ask (it is Linux's).
    """
    if not STATUS.exists():
        return None
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh_process:
        return fresh_process.submit(_measure, prepare, arguments).result()


def _measure(prepare, arguments):
    work = prepare(*arguments)
    gc.collect()
    before = _kibibytes("VmRSS")
    results = [work() for _ in range(CALLS)]
    return (_kibibytes("VmHWM") - before) / 1024, results


def _kibibytes(field):
    """A line such as "VmHWM:   81920 kB" of the process's status."""
    for line in STATUS.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    raise RuntimeError(f"{STATUS} has no line {field}")
