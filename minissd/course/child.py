"""`python -m minissd.course.child`: judges one file in a process of its own, which `sandbox` starts and watches.

The request comes as JSON on the standard input, the verdict goes as JSON into the file that it names.  The beginning
of what the student's code prints goes to the standard output.
"""

import faulthandler
import importlib
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from functools import partial
from pathlib import Path

from minissd.course.judging import judge_source
from minissd.course.lab import find_trap, judge_detector, read_traps
from minissd.course.shelf import find_exercise, read_lessons


def main():
    request = json.load(sys.stdin)
    judge = _judge_of(request)
    limit_memory(request["megabytes"])
    shown = FirstPart(sys.stdout)
    with open(request["trace"], "w") as trace:  # at the end of its time, the line it is in
        faulthandler.dump_traceback_later(request["seconds"], exit=True, file=trace)
        with redirect_stdout(shown), redirect_stderr(shown):
            verdict = judge(request["source"], filename=request["filename"], seed=request["seed"])
        faulthandler.cancel_dump_traceback_later()
    Path(request["answer"]).write_text(json.dumps(asdict(verdict)))


def _judge_of(request):
    """judge(source, filename, seed) of an exercise, or of a bug of the lab.  What it imports is not the student's."""
    shelf, key = request["shelf"], request["exercise"]
    if key.startswith("lab/"):
        importlib.import_module("minissd.properties.detector")
        return partial(judge_detector, trap=find_trap(read_traps(shelf), key))
    exercise = find_exercise(read_lessons(shelf), key)
    exercise.properties  # noqa: B018  # imported now
    return partial(judge_source, exercise=exercise)


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
