"""python nursery.py: runs commands in processes of its own, forked from one that has loaded everything, and kills them.

A line of JSON on its standard input is a job: {"words": [...], "after": seconds or null, "before_change": n or null,
"cwd": folder, "url": of a web server that `fetch fuzz` downloads from}.  The job is killed (SIGKILL) after so many
seconds, or before its n-th change of the file system.  The answer is a line: the exit status (negative: killed), the
seconds it took, how many changes there were, and what it printed.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import minissd.cli.detect
import minissd.cli.evaluate
import minissd.cli.export
import minissd.cli.lesson
import minissd.cli.train
import minissd.viz.curves
import minissd.viz.style  # noqa: F401
from minissd.cli.main import main
from minissd.data.published import DOWNLOADS
from minissd.data.remote import Download, RemoteFile

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.truncate"}


def run(job, counter):
    """The command, in the child: it ends with it."""
    changes = 0

    def count(event, arguments):
        nonlocal changes
        if event in CHANGES or (event == "open" and (arguments[2] or 0) & WRITES):
            changes += 1
            os.pwrite(counter, changes.to_bytes(4, "little"), 0)
            if changes == job.get("before_change"):
                os.kill(os.getpid(), signal.SIGKILL)

    os.environ["XDG_CACHE_HOME"] = os.path.join(job["cwd"], "cache")
    if job.get("url"):
        file = RemoteFile(f"{job['url']}/fuzz.tar", None, None)
        DOWNLOADS["fuzz"] = Download("data", (file,), "", "", "", tree="tree", unpacked=10_000_000)
    sys.argv = ["minissd", *job["words"]]
    sys.addaudithook(count)
    main()


def answer(job):
    os.chdir(job["cwd"])
    printed, counter = (os.open(f"{job['cwd']}/.{name}", os.O_RDWR | os.O_CREAT | os.O_TRUNC) for name in ("out", "n"))
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        status = 1
        try:
            run(job, counter)
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
        finally:
            sys.stdout.flush()
            os._exit(status if isinstance(status, int) else 1)
    after, state = job.get("after"), 0
    if after is not None:
        while time.monotonic() - started < after:
            done, state = os.waitpid(child, os.WNOHANG)
            if done:
                break
            time.sleep(0.002)
        else:
            os.kill(child, signal.SIGKILL)
            state = os.waitpid(child, 0)[1]
    else:
        state = os.waitpid(child, 0)[1]
    changes = int.from_bytes(os.pread(counter, 4, 0), "little")
    text = os.pread(printed, 100_000, 0).decode(errors="replace")
    for number in (printed, counter):
        os.close(number)
    for name in (".out", ".n"):
        Path(job["cwd"], name).unlink()
    return os.waitstatus_to_exitcode(state), time.monotonic() - started, changes, text


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
