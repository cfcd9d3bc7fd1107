"""Runs a student's file in a process of its own: an endless loop, a crash or a huge allocation ends in a message.

The process gets limits of time and memory, an empty folder to live in, and nothing of the caller's environment but what
Python needs.  That keeps honest mistakes apart from each other; it is no prison for hostile code.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from minissd.course.judge import Verdict
from minissd.errors import MinissdError

SECONDS, MEGABYTES = 20, 1024
MARGIN = 20  # seconds for starting Python, and before the clock outside ends what the clock inside could not


def judge_file(path, exercise, *, seed=0, seconds=SECONDS, megabytes=MEGABYTES):
    """The `Verdict` on the file at `path`, with what it prints, shortened.  MinissdError if it cannot be read."""
    try:
        source = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise MinissdError(f"{path}: cannot be read ({error.strerror}): give the file of an exercise") from None
    except UnicodeDecodeError:
        raise MinissdError(f"{path}: is no text in UTF-8: give the file of an exercise") from None
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
        try:
            done = subprocess.run(
                command,
                input=json.dumps(request).encode(),
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=home,
                env=_environment(home),
                timeout=seconds,
                check=False,
            )
            status = done.returncode
        except subprocess.TimeoutExpired:
            status = None
        output.seek(0)
        return status, output.read(4000).decode(errors="replace")


def _environment(home):
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "LC_ALL") if name in os.environ}
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
    return kept | {
        "HOME": str(home),
        "MPLCONFIGDIR": str(home),
        "OPENBLAS_NUM_THREADS": "1",  # answers are judged side by side
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": paths,
    }


def _verdict(request, status, printed):
    answer = Path(request["answer"])
    if status == 0 and answer.exists():
        content = json.loads(answer.read_text())
        return Verdict(**content | {"held": tuple(content["held"]), "printed": printed[:1000]})
    trace = Path(request["trace"])
    text = trace.read_text(errors="replace") if trace.exists() else ""
    if status is None or "Timeout" in text:
        lines = re.findall(rf'File "{re.escape(request["filename"])}", line (\d+)', text)
        where = f" in line {lines[0]}" if lines else ""
        reason = f"it was stopped after {request['seconds']} seconds{where}: is there a loop without an end?"
        return Verdict("stopped", reason=reason, printed=printed[:1000])
    last = printed.strip().splitlines()[-1:] or ["no message"]
    reason = f"the process ended with status {status} ({last[0][:200]})"
    return Verdict("stopped", reason=reason, printed=printed[:1000])
