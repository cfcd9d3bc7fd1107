"""What students get: the lessons without solutions and wrong answers, the lab without the sound detector, and minissd
itself, without them too."""

import ast
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from minissd.course.lab import write_planted
from minissd.course.mistakes import write_signatures
from minissd.course.shelf import check_hypothesis, read_lessons
from minissd.course.wheel import write_wheel
from minissd.errors import MinissdError
from minissd.files import put_in_place

README = """# The exercises

Once, to install (Python 3.11 or newer), in this folder:

| | |
|---|---|
| Windows | `py -m venv .venv` and then `.venv\\Scripts\\pip install ".\\{wheel}[lessons]" "{hypothesis}"` |
| macOS | `python3 -m venv .venv && .venv/bin/pip install './{wheel}[lessons]' '{hypothesis}'` |
| Linux | `python3 -m venv .venv && .venv/bin/pip install './{wheel}[lessons]' '{hypothesis}'` |

On Debian and Ubuntu, `sudo apt install python3-venv` comes first. On Windows, say `.venv\\Scripts\\minissd` wherever it
says `.venv/bin/minissd` here.

    .venv/bin/minissd lesson start 1     copies the exercises of lesson 1 into minissd-course
    .venv/bin/minissd lesson check       judges the one you are at
    .venv/bin/minissd lesson hint        helps, in three steps
    .venv/bin/minissd lesson next        leads on
    .venv/bin/minissd lesson bug list    the lab: detectors with a bug in them

The lessons themselves are the notebooks in `lessons`: `.venv/bin/jupyter lab lessons` opens them. What you hand in is
your folder `minissd-course`.
"""
LEFT_OUT = (
    "solutions",
    "mutants",
    "detector.py",
    "traps.toml",
    "__pycache__",
    "build.py",
    "conf.py",
    "docstrings.py",
    "figures.py",
    "index.md",
    "pages",
    "static",
)


def export(shelf, target, *, report=lambda done, total: None):
    """Write a handout as the new folder `target`, whole or not at all; returns how many exercises it has.

    Every stub in it is checked: it must be empty, and no file may contain a solution.  The version of Hypothesis is
    that of the teacher, which draws the inputs that the answers will be graded on.
    MinissdError if there is something at `target` already, or if `shelf` is a handout itself.
    report(done, total): called after each exercise.
    """
    target = Path(target)
    if target.exists():
        raise MinissdError(f"{target}: exists already: give the name of a new folder")
    check_hypothesis()
    originals = read_lessons(shelf)
    if not all(exercise.solution.exists() for lesson in originals for exercise in lesson.exercises):
        raise MinissdError(f"{shelf}: has no solutions, so it is a handout already: export from a complete clone")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as part:
            whole = Path(part) / "handout"
            shutil.copytree(shelf, whole / "lessons", ignore=shutil.ignore_patterns(*LEFT_OUT))
            count = _check(originals, whole / "lessons", report)
            write_planted(Path(shelf) / "lab", whole / "lessons" / "lab")
            wheel = write_wheel(whole, whole / "lessons")
            readme = README.format(wheel=wheel.name, hypothesis=f"hypothesis=={version('hypothesis')}")
            (whole / "README.md").write_text(readme, encoding="utf-8")
            put_in_place(whole, target)
    except OSError as error:
        reason = error.args[0][0][2] if isinstance(error, shutil.Error) else error  # of the first file that failed
        raise MinissdError(f"{target}: cannot be written ({reason}): make room, or give another folder") from error
    return count


def _check(originals, copy, report):
    """Adds the signatures of wrong answers; MinissdError if a solution shows in the handout at `copy`."""
    texts = {path: path.read_text(encoding="utf-8") for path in copy.rglob("*.py")}
    exercises = [exercise for lesson in read_lessons(copy) for exercise in lesson.exercises]
    complete = {exercise.key: exercise for lesson in originals for exercise in lesson.exercises}
    for done, exercise in enumerate(exercises, 1):
        if not _is_empty(texts[exercise.stub], exercise.name):
            raise MinissdError(f"{exercise.key}: its stub is filled in: put back the raise, then export again")
        body = _body(complete[exercise.key].solution)
        for path, text in texts.items():
            if body in text:
                raise MinissdError(f"{path.relative_to(copy)}: shows the solution of {exercise.key}: take it out")
        write_signatures(exercise.signatures, complete[exercise.key])
        report(done, len(exercises))
    return len(exercises)


def _is_empty(source, name):
    """Whether the function of this name does nothing but say that it is to be written."""
    try:
        statements = next(one.body for one in ast.parse(source).body if getattr(one, "name", None) == name)
    except (SyntaxError, StopIteration):
        return False
    last = statements[-1]
    return isinstance(last, ast.Raise) and "NotImplementedError" in ast.unparse(last)


def _body(path):
    """The lines of a solution below its signature."""
    text = path.read_text(encoding="utf-8")
    return text[text.index("def ") :].partition(":\n")[2].strip()
