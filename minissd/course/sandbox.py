"""Runs a student's file in a process of its own: an endless loop, a crash or a huge allocation ends in a message.

The process gets limits of time and memory, an empty folder to live in, and nothing of the caller's environment but what
Python needs.  What it started itself ends with it.  That keeps honest mistakes apart from each other; it is no prison
for hostile code.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from minissd.course.judging import Verdict
from minissd.course.shelf import check_hypothesis
from minissd.errors import MinissdError
from minissd.files import parse_json

SECONDS, MEGABYTES = 20, 1024
LONGEST = 500_000  # characters of a file
MARGIN = 20  # seconds for starting Python, and before the clock outside ends what the clock inside could not
_running: set[subprocess.Popen] = set()  # the processes that judge just now


def judge_file(path, exercise, *, seed=0, seconds=SECONDS, megabytes=MEGABYTES):
    """The `Verdict` on the file at `path`, with what it prints, shortened.

    MinissdError if it cannot be read, or Hypothesis is not installed.
    """
    check_hypothesis()
    try:
        with open(path, encoding="utf-8-sig") as file:  # an editor of Windows may begin it with a byte order mark
            source = file.read(LONGEST + 1)
    except OSError as error:
        raise MinissdError(f"{path}: cannot be read ({error.strerror}): give the file of an exercise") from None
    except UnicodeDecodeError:
        raise MinissdError(f"{path}: is no text in UTF-8: give the file of an exercise") from None
    if len(source) > LONGEST:
        raise MinissdError(f"{path}: is longer than {LONGEST} characters: give the file of an exercise")
    with tempfile.TemporaryDirectory(prefix="minissd-") as folder:
        folder = Path(folder)
        request = {
            "shelf": str(exercise.folder.parent),
            "exercise": exercise.key,
            "source": source,
            "filename": Path(path).name,
            "seed": seed,
            "seconds": seconds,
            "megabytes": megabytes,
            "answer": str(folder / "answer.json"),
            "trace": str(folder / "trace.txt"),
        }
        (folder / "home").mkdir()
        status, printed = _run(request, folder / "home", seconds + MARGIN)
        return _verdict(request, status, printed)


def _run(request, home, seconds):
    """(exit status or None if it was ended from outside, what it printed)."""
    command = [sys.executable, "-m", "minissd.course.child"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=_environment(home),
            start_new_session=True,  # a process group of its own, to be ended as a whole
        )
        _running.add(process)
        try:
            process.communicate(json.dumps(request).encode(), timeout=seconds)
            status = process.returncode
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end_group(process)
            _running.discard(process)
        output.seek(0)
        return status, output.read(10_000).decode(errors="replace")


def end_all():
    """End what is being judged, in whichever thread: Ctrl-C does not reach process groups of their own."""
    for process in tuple(_running):
        _end_group(process)


def _end_group(process):
    """End the process and whatever it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left in the group
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _environment(home):
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "LC_ALL") if name in os.environ}
    folders = [os.path.abspath(path) for path in sys.path if path]
    inside = [path for path in folders if os.path.exists(os.path.join(path, "__init__.py"))]  # OpenCV puts itself there
    paths = os.pathsep.join(path for path in folders if path not in inside)  # and its `typing` would hide Python's
    return kept | {
        "HOME": str(home),
        "MPLCONFIGDIR": str(home),
        "OPENBLAS_NUM_THREADS": "1",  # answers are judged side by side
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": paths,
    }


def _verdict(request, status, printed):
    printed = printed[:1000]
    verdict = _answer(Path(request["answer"])) if status == 0 else None
    if verdict:
        return replace(verdict, printed=printed)
    trace = Path(request["trace"])
    text = trace.read_text(errors="replace") if trace.exists() else ""
    if status is None or "Timeout" in text:
        lines = re.findall(rf'File "{re.escape(request["filename"])}", line (\d+)', text)
        where = f" in line {lines[0]}" if lines else ""
        reason = f"it was stopped after {request['seconds']} seconds{where}: is there a loop without an end?"
        return Verdict("stopped", reason=reason, printed=printed)
    last = printed.strip().splitlines()[-1:] or ["no message"]
    reason = f"its process ended before there was a verdict, with status {status} ({last[0][:200]})"
    return Verdict("stopped", reason=reason, printed=printed)


def _answer(path):
    """The verdict that the process left, or None: the student's code may have ended it, or written there itself."""
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        text = {name: _clean(value) for name, value in content.items() if name != "held"}
        return Verdict(held=tuple(map(_clean, content["held"])), **text)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _clean(text):
    """Without half surrogates, which no terminal and no file takes."""
    return text.encode(errors="replace").decode()
