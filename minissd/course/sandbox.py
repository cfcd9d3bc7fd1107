"""Runs students' files in processes of their own: an endless loop, a crash or a huge allocation ends in a message.

A process gets limits of time and memory, an empty folder to live in, and nothing of the caller's environment but what
Python needs.  What it started itself ends with it.  On Linux, where the system allows it, it also lives in namespaces
of its own: it sees no process but its own and no network.  That keeps honest mistakes apart from each other; it is no
prison for hostile code.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path

from minissd.course.judging import Verdict
from minissd.course.reading import reaches
from minissd.course.shelf import check_hypothesis
from minissd.errors import MinissdError
from minissd.files import parse_json

SECONDS, MEGABYTES = 20, 1024
LONGEST = 500_000  # characters of a file
ALONE = "alone"  # the word that tells a process that all others it can see are its children
MARGIN = 20  # seconds before the clock outside ends what the clock inside could not
PREPARING = 120  # seconds for starting Python and drawing inputs, which is slow where the machine has other work
BUBBLEWRAP: tuple[str, ...] = ("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1")
BUBBLEWRAP += ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")  # files can be read, not written
NAMESPACES: tuple[str, ...] = (
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "--ipc",
    "--pid",
    "--fork",
    "--kill-child",
)
NAMESPACES += ("--mount-proc",)  # of its own processes alone


class Judges:
    """A process that judges one file after the other, each in a child.  To be closed, or used in a `with`."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="minissd-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self._process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def judge(self, source, exercise, filename, *, seed=None, seconds=SECONDS, megabytes=MEGABYTES):
        """The `Verdict` on the text of a file."""
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as own:
            places = {name: str(Path(own) / name) for name in ("home", "answer", "trace", "output")}
            Path(places["home"]).mkdir()
            request = {
                "shelf": str(exercise.folder.parent),
                "exercise": exercise.key,
                "source": source,
                "filename": filename,
                "seed": seed,
                "seconds": seconds,
                "margin": MARGIN,
                "megabytes": megabytes,
                **places,
            }
            status = self._ask(request, PREPARING + seconds + 2 * MARGIN)
            verdict = _verdict(request, status, self._printed(request))
        return replace(verdict, look=(*reaches(source, exercise.start_text), *verdict.look))

    def _ask(self, request, seconds):
        """Exit status of the child that judged; None if it had to be ended."""
        process = self._process = self._process or self._start()
        clock = threading.Timer(seconds, self.end)
        clock.start()
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            reply = process.stdout.readline()
        except OSError:  # it was ended, by the clock or by what it judged
            reply = b""
        finally:
            clock.cancel()
        if reply and hasattr(os, "fork"):
            return json.loads(reply)["status"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(MARGIN if reply == b"" else 0)
        self.end()  # it judged by itself, and is used up
        return json.loads(reply)["status"] if reply else process.returncode

    def _start(self):
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        prefix = isolation()
        if prefix[:1] == ("bwrap",):
            prefix = (*prefix, "--bind", str(self.folder), str(self.folder))
        with open(self.folder / "output", "w") as output:
            return subprocess.Popen(
                [*prefix, sys.executable, "-m", "minissd.course.child", *([ALONE] if prefix else [])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=home,
                env=environment(home),
                start_new_session=True,  # a process group of its own, to be ended as a whole
            )

    def _printed(self, request):
        for path in (request["output"], self.folder / "output"):
            with contextlib.suppress(OSError), open(path, "rb") as file:
                if text := file.read(10_000).decode(errors="replace"):
                    return text
        return ""

    def end(self):
        """End the process, its children and whatever they started."""
        process, self._process = self._process, None
        if process is None:
            return
        end_group(process)
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()

    def close(self):
        self.end()
        self._folder.cleanup()


def end_group(process):
    """End the process and whatever it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left in the group
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


@cache
def isolation():
    """The beginning of a command that puts a process into namespaces of its own, by Bubblewrap or by util-linux; () if
    this machine has or allows neither."""
    for command in (BUBBLEWRAP, NAMESPACES):
        if shutil.which(command[0]):
            tried = subprocess.run([*command, "true"], capture_output=True, stdin=subprocess.DEVNULL)
            if tried.returncode == 0:
                return command
    return ()


def judge_file(path, exercise, *, seed=None, seconds=SECONDS, megabytes=MEGABYTES):
    """The `Verdict` on the file at `path`, with what it prints, shortened.

    MinissdError if it cannot be read, or Hypothesis is not installed.
    """
    check_hypothesis()
    source = read_answer(path)
    with Judges() as judges:
        return judges.judge(source, exercise, Path(path).name, seed=seed, seconds=seconds, megabytes=megabytes)


def read_answer(path):
    """The text of a student's file; MinissdError if it cannot be read."""
    try:
        with open(path, encoding="utf-8-sig") as file:  # an editor of Windows may begin it with a byte order mark
            source = file.read(LONGEST + 1)
    except OSError as error:
        raise MinissdError(f"{path}: cannot be read ({error.strerror}): give the file of an exercise") from None
    except UnicodeDecodeError:
        raise MinissdError(f"{path}: is no text in UTF-8: give the file of an exercise") from None
    if len(source) > LONGEST:
        raise MinissdError(f"{path}: is longer than {LONGEST} characters: give the file of an exercise")
    return source


def environment(home):
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "LC_ALL") if name in os.environ}
    folders = [os.path.abspath(path) for path in sys.path if path]
    inside = [path for path in folders if os.path.exists(os.path.join(path, "__init__.py"))]  # OpenCV puts itself there
    paths = os.pathsep.join(path for path in folders if path not in inside)  # and its `typing` would hide Python's
    return kept | {
        "HOME": str(home),
        "MPLCONFIGDIR": str(home),
        "OPENBLAS_NUM_THREADS": "1",  # answers are judged side by side, and a process with threads is not to be forked
        "OMP_NUM_THREADS": "1",
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
        text = {name: _clean(value) for name, value in content.items() if name not in ("held", "look")}
        held, look = (tuple(map(_clean, content[name])) for name in ("held", "look"))
        return Verdict(held=held, look=look, **text)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _clean(text):
    """Without half surrogates, which no terminal and no file takes."""
    return text.encode(errors="replace").decode()
