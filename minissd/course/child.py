"""`python -m minissd.course.child`: judges answers, each in a process of its own, which `sandbox` asks for.

A request comes as a line of JSON on the standard input, and a line with what became of it goes to the standard output;
the verdict goes as JSON into the file that the request names.  Where processes can be forked, this one has loaded and
drawn all that judging needs before it splits off a child for each answer, and stays clean of what students wrote.
"""

import contextlib
import faulthandler
import importlib
import io
import json
import os
import signal
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path

from minissd.course.judging import judge_source, prepare
from minissd.course.lab import find_trap, judge_detector, prepare_lab, read_traps
from minissd.course.mistakes import known_mistakes
from minissd.course.sandbox import ALONE
from minissd.course.shelf import find_exercise, read_lessons

FORKS = hasattr(os, "fork")


def main():
    replies = os.fdopen(os.dup(1), "w")  # what is printed by accident must not look like a reply
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        judge = _judge_of(request["shelf"], request["exercise"], request["seed"])
        status = _in_a_child(judge, request, replies) if FORKS else judge_here(judge, request)
        replies.write(json.dumps({"status": status}) + "\n")
        replies.flush()


def _in_a_child(judge, request, replies):
    """Exit status of a child that judges; None if it was ended because its time was over."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setsid()  # a group of its own, to be ended as a whole
            os.close(replies.fileno())
            _become_nobody(request)
            status = judge_here(judge, request)
        finally:
            os._exit(status)
    deadline = time.monotonic() + request["seconds"] + request["margin"]
    status = None
    while status is None and time.monotonic() < deadline:
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(code)
        else:
            time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left in the group
        os.killpg(pid, signal.SIGKILL)
    if status is None:
        os.waitpid(pid, 0)
    if ALONE in sys.argv and os.getpid() == 1:  # init of a namespace: this reaches who left the group, and nobody else
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, 0)[0]:
                pass
    return status


def _become_nobody(request):
    """Standard streams and working directory of the answer's own."""
    os.chdir(request["home"])
    for number, path, how in ((0, os.devnull, os.O_RDONLY), (1, request["output"], os.O_WRONLY | os.O_CREAT)):
        file = os.open(path, how, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.dup2(1, 2)


def judge_here(judge, request):
    """Judge in this process, with limits of time and memory; returns 0."""
    limit_memory(request["megabytes"])
    shown, seen = FirstPart(sys.stdout), watch(request["filename"])
    with open(request["trace"], "w") as trace:  # at the end of its time, the line it is in
        faulthandler.dump_traceback_later(request["seconds"], exit=True, file=trace)
        with redirect_stdout(shown), redirect_stderr(shown):
            verdict = judge(request["source"], filename=request["filename"])
        faulthandler.cancel_dump_traceback_later()
    verdict = replace(verdict, look=(*verdict.look, *seen))
    Path(request["answer"]).write_text(json.dumps(asdict(verdict)))
    return 0


@cache
def _judge_of(shelf, key, seed):
    """judge(source, filename) of an exercise, or of a bug of the lab.  What it imports and draws is not the
    student's."""
    if key.startswith("lab/"):
        trap = find_trap(read_traps(shelf), key)
        importlib.import_module("minissd.properties.detector")
        prepare_lab()
        return partial(judge_detector, trap=trap)
    exercise = find_exercise(_lessons(shelf), key)
    prepare(exercise, seed)
    if FORKS and seed is not None:  # for a whole class: once
        known_mistakes(exercise)
    return partial(judge_source, exercise=exercise, seed=seed)


@cache
def _lessons(shelf):
    return read_lessons(shelf)


WATCHED = ("os", "subprocess", "socket", "ctypes", "shutil", "open")  # beginnings of the names of audit events
OURS = ("importlib", "linecache", "tokenize", "traceback", "warnings", "zipimport")  # they open files for Python


def watch(filename):
    """A list that fills with what the code in `filename` does to files and processes."""
    seen = []

    def hook(event, arguments):
        if event.partition(".")[0] not in WATCHED or len(seen) >= 5:
            return
        frame, lines = sys._getframe(1), []
        while frame is not None:
            name = frame.f_code.co_filename
            if any(one in name for one in OURS):
                return
            if name == filename:
                lines.append(frame.f_lineno)
            frame = frame.f_back
        if lines:
            first = str(arguments[0])[:80] if arguments else ""
            text = f"line {lines[0]} calls {event} {first}".rstrip()
            if text not in seen:
                seen.append(text)

    sys.addaudithook(hook)
    return seen


class FirstPart(io.TextIOBase):
    """Passes on the first characters written to it and drops the others, however much is printed."""

    def __init__(self, stream, left=4000):
        self.stream, self.left = stream, left

    def write(self, text):
        self.stream.write(text[: self.left])
        self.stream.flush()  # a crash must not lose it
        self.left -= min(len(text), self.left)
        return len(text)


def limit_memory(megabytes):
    """At most so much more address space than is in use now; and no files, for an answer has none to write."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the clock still runs
        return
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if LINUX else 0
    if LINUX:
        wanted = in_use + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))


LINUX = sys.platform == "linux"  # elsewhere the address space in use cannot be read so simply

if __name__ == "__main__":
    main()
