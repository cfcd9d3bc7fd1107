"""python nursery.py: runs commands in processes of its own, forked from one that has loaded everything, and kills them.

A line of JSON on its standard input is a job: {"words": [...], "after": seconds or null, "before_change": n or null,
"cwd": folder, "url": of a web server that `fetch fuzz` downloads from}.  The job is killed after so many seconds of its
work, or before its n-th change of the file system.  The answer is a line: the exit status (negative: killed), the
seconds of work it took, how many changes there were, and what it printed.

Two things are cheaper here than outside, and no different to the disk: pictures are blank, and judges are forked.
"""

import contextlib
import json
import os
import signal
import sys
import tempfile
from importlib import import_module

import minissd.course.child as judging
from minissd.cli.main import main
from minissd.course.sandbox import Judges
from minissd.data.published import DOWNLOADS
from minissd.data.remote import Download, RemoteFile

LOADED = [f"minissd.cli.{name}" for name in ("detect", "evaluate", "export", "fetch", "lesson", "train")]
LOADED += [f"minissd.viz.{name}" for name in ("boxes", "curves", "style", "thresholds")]
LOADED += ["minissd.data.http", "pydantic", "rich.progress", "onnx"]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.truncate"}


class ForkedJudge:
    """What `Judges` wants of a process."""

    returncode = None

    def __init__(self):
        asked, ask = os.pipe()
        hear, answered = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            os.close(ask)
            os.dup2(answered, 1)
            sys.stdin = os.fdopen(asked)
            with contextlib.suppress(BaseException):
                judging.main()
            os._exit(0)
        os.close(asked)
        os.close(answered)
        self.stdin, self.stdout = os.fdopen(ask, "wb"), os.fdopen(hear, "rb")

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout=None):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def run(job, counter):
    """The command, in the child: it ends with it."""
    changes, own = 0, os.getpid()

    def count(event, arguments):
        nonlocal changes
        if event in CHANGES or (event == "open" and (arguments[2] or 0) & WRITES):
            if os.getpid() != own:
                return
            changes += 1
            os.pwrite(counter, changes.to_bytes(4, "little"), 0)
            if changes == job.get("before_change"):
                os.kill(own, signal.SIGKILL)

    os.environ["XDG_CACHE_HOME"] = os.path.join(job["cwd"], "cache")
    if job.get("url"):
        file = RemoteFile(f"{job['url']}/fuzz.tar", None, None)
        DOWNLOADS["fuzz"] = Download("data", (file,), "", "", "", tree="tree", unpacked=10_000_000)
    sys.argv = ["minissd", *job["words"]]
    sys.addaudithook(count)
    if job.get("after"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)  # the system ends the process, as SIGKILL does
        signal.setitimer(signal.ITIMER_PROF, job["after"])
    main()


def answer(job):
    os.chdir(job["cwd"])
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as counter:
        child = os.fork()
        if child == 0:
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
            status = 1
            try:
                run(job, counter.fileno())
                status = 0
            except SystemExit as stop:
                status = stop.code or 0
            finally:
                sys.stdout.flush()
                os._exit(status if isinstance(status, int) else 1)
        _, state, used = os.wait4(child, 0)
        changes = int.from_bytes(os.pread(counter.fileno(), 4, 0), "little")
        text = os.pread(printed.fileno(), 100_000, 0).decode(errors="replace")
    return os.waitstatus_to_exitcode(state), used.ru_utime + used.ru_stime, changes, text


def load():
    from matplotlib.figure import Figure

    for name in LOADED:
        with contextlib.suppress(ImportError):
            import_module(name)
    Figure.draw = lambda self, renderer: None
    Judges._start = lambda self: ForkedJudge()


if __name__ == "__main__":
    load()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
