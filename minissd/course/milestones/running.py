"""Starts a milestone in a process of its own, with the limits that answers are judged under, and watches it."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from minissd.course import sandbox
from minissd.course.folder import StudentFolder
from minissd.course.milestones import MILESTONES
from minissd.course.milestones.trial import Outcome
from minissd.course.own import connected, sources_of
from minissd.course.shelf import check_hypothesis, read_lessons
from minissd.errors import MinissdError
from minissd.files import write_atomically

SECONDS, MEGABYTES = 300, 2048  # seconds without a step
PNG = b"\x89PNG\r\n\x1a\n"


def run_milestone(
    folder: StudentFolder,
    shelf: Path,
    number: int,
    *,
    digits: Path | None = None,
    quick: bool = False,
    report: Callable[[int, int, float], None] = lambda step, total, loss: None,
    seconds: float = SECONDS,
) -> tuple[Outcome, Path | None]:
    """What came of it, and the picture in the student's folder.

    digits: the folder of MNIST, for the milestone that reads it.  report(step, steps, loss): called a few times a
    second.  seconds: the longest that it may go on without another step.  MinissdError if it did not come to an end.
    """
    check_hypothesis()
    if number not in MILESTONES:
        raise MinissdError(f"there is no milestone {number}: give {', '.join(map(str, MILESTONES))}")
    with tempfile.TemporaryDirectory(prefix="minissd-") as temporary:
        files = {name: Path(temporary) / name for name in ("answer", "progress", "picture.png")}
        request = {
            "answer": str(files["answer"]),
            "progress": str(files["progress"]),
            "picture": str(files["picture.png"]),
            "number": number,
            "shelf": str(shelf),
            "sources": sources_of(folder, connected(read_lessons(shelf))),
            "digits": str(digits) if digits else None,
            "quick": quick,
            "megabytes": MEGABYTES,
        }
        home = Path(temporary) / "home"
        home.mkdir()
        printed = _run(request, home, seconds, lambda: _tell(files["progress"], report))
        outcome = _outcome(files["answer"], printed)
        return outcome, _kept(files["picture.png"], folder.path / f"milestone-{number:02d}.png")


def _run(request, home, seconds, watch):
    """What it printed; MinissdError if it stands still: watch() says how far it is."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "minissd.course.milestones.child"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=sandbox.environment(home),
            start_new_session=True,
        )
        try:
            process.stdin.write(json.dumps(request).encode())
            process.stdin.close()
            last, moved = None, time.monotonic()
            while process.poll() is None:
                time.sleep(0.2)
                if (place := watch()) != last:
                    last, moved = place, time.monotonic()
                if time.monotonic() - moved > seconds:
                    raise MinissdError(
                        f"the milestone was stopped: no step in {seconds} seconds. Does a function run without an end? "
                        "`minissd lesson check` tries each"
                    )
        finally:
            sandbox.end_group(process)
        output.seek(0)
        return output.read(10_000).decode(errors="replace")


def _tell(progress, report):
    """Passes on the last whole line of what has been told so far, and returns it."""
    line = b""
    try:
        with open(progress, "rb") as file:
            file.seek(max(progress.stat().st_size - 200, 0))
            line = file.read().split(b"\n")[-2]
        step, total, loss = line.split()
        report(int(step), int(total), float(loss))
    except (OSError, ValueError, IndexError):  # nothing yet, or something else printed there
        pass
    return line


def _outcome(path, printed):
    try:
        return Outcome(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        last = printed.strip().splitlines()[-1:] or ["no message"]
        said = last[0][:200]
        raise MinissdError(
            f"the milestone broke off ({said}): `minissd lesson check` tries each function alone"
        ) from None


def _kept(picture, place):
    """The picture in the student's folder, once it is seen to be one."""
    if not picture.is_file() or picture.stat().st_size > 10 << 20:
        return None
    content = picture.read_bytes()
    if not content.startswith(PNG):
        return None
    return write_atomically(place, lambda file: file.write(content))
