"""What holds whatever is read: it ends soon, in little memory, with one line at most, and writes where it may."""

import contextlib
import os
import resource
import signal
import sys
import time
from pathlib import Path

CPU_SECONDS, SECONDS, MEMORY = 10, 30, 1 << 30  # the machine may have other work: a hang counts by the clock late
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FORBIDDEN = {"pickle.find_class", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "subprocess.Popen"}
_CHANGES = {"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod"}
_watched: list = []  # (folders, offences, whether it may start a process) of the case under way


class Broken(AssertionError):
    """A rule that does not hold."""


def _look(event, arguments):
    if not _watched:
        return
    allowed, offences, starts = _watched[-1]
    if event in _FORBIDDEN and not (starts and event == "subprocess.Popen"):
        offences.append(f"{event}{arguments!r:.200}")
    elif event == "open" and isinstance(arguments[0], str | bytes) and (arguments[2] or 0) & _WRITES:
        _check(arguments[0], allowed, event, offences)
    elif event in _CHANGES:
        count = 2 if event in ("os.rename", "os.link") else 1
        paths = arguments[1:2] if event == "os.symlink" else arguments[:count]
        folders = [one for one in arguments[count:] if isinstance(one, int) and one > 2]  # that paths are relative to
        for path in paths:
            if isinstance(path, str | bytes):
                place = f"/proc/self/fd/{folders[-1]}/" if folders and event in ("os.remove", "os.rmdir") else ""
                _check(place + os.fsdecode(path), allowed, event, offences)


def _check(path, allowed, event, offences):
    path = os.path.abspath(os.fsdecode(path))
    place = os.path.realpath(path if os.path.isdir(path) and event == "open" else os.path.dirname(path))
    folders = (*map(os.path.realpath, allowed), "/dev")
    if path not in allowed and not any(f"{place}/".startswith(f"{one}/") for one in folders):
        offences.append(f"{event} of {os.fsdecode(path)!r:.200}")


sys.addaudithook(_look)


@contextlib.contextmanager
def guarded(writable, aside=None):
    """The block runs nothing, writes below the folder `writable` alone, and keeps to the limits; else `Broken`.

    aside: a folder for the processes that it may start, if it may.
    """
    offences: list[str] = []
    before, started = _peak(reset=True), (time.process_time(), time.monotonic())
    with _alarm(), _within([str(one) for one in (writable, aside) if one], offences, bool(aside)):
        yield
    used, waited = time.process_time() - started[0], time.monotonic() - started[1]
    if used > CPU_SECONDS or waited > SECONDS:
        raise Broken(f"took {used:.0f} s of work, {waited:.0f} s in all")
    if offences:
        raise Broken(f"wrote or ran what it must not: {offences[0]}")
    if _peak() - before > MEMORY:
        raise Broken(f"took {(_peak() - before) >> 20} MiB")


@contextlib.contextmanager
def _within(allowed, offences, starts):
    _watched.append((allowed, offences, starts))
    try:
        yield
    finally:
        _watched.pop()


@contextlib.contextmanager
def _alarm():
    def ring(number, _frame):
        raise Broken("hangs")

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, CPU_SECONDS), signal.SIGALRM: (signal.ITIMER_REAL, SECONDS)}
    before = {number: signal.signal(number, ring) for number in timers}
    for timer, seconds in timers.values():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _peak(reset=False):
    """Bytes of memory that this process had at most, since the last reset where the system allows one."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if reset:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    return int(status.read_text().split("VmHWM:")[1].split()[0]) << 10


def check_refusal(error, *names):
    """`Broken` unless the message of a MinissdError is one line that names one of `names`."""
    text = str(error)
    if len(text.splitlines()) != 1:
        raise Broken(f"more than a line: {text!r:.300}")
    if not any(str(name) in text for name in names):
        raise Broken(f"does not name the file: {text!r:.300}")
