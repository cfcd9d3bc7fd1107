"""Where the lessons lie and what is in them.

    lessons/NN_topic/
      lesson.md             the lesson, a MyST notebook; lesson.ipynb is made from it
      lesson.toml           title, question, and the names of its exercises in their order
      exercises/NAME.py     what the student gets: one function NAME to fill in
      exercises/NAME.toml   title, section of the lesson to reread, properties that judge it, three hints
      solutions/NAME.py     the answer
      mutants/NAME.toml     plausible wrong answers, each a change of the solution, and the hint it deserves

In a clone they lie beside the package, in an installed one within it.  A handout (`minissd lesson export`) has no
solutions, and of the mutants no more than names, hints and signatures (`minissd.course.mistakes`).
"""

import difflib
import importlib
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from minissd.errors import MinissdError
from minissd.files import parse_json

PACKAGE = Path(__file__).resolve().parents[1]
HINTS = 3  # of each exercise
_LESSON = {"title": str, "question": str, "exercises": [str]}
_EXERCISE = {"title": str, "section": str, "properties": str, "library": str | None, "hints": [str]}
_MUTANT = {"name": str, "replace": str, "by": str, "hint": str}
_MUTANTS = {"mutant": [_MUTANT]}
_RESTORE = "restore it from the repository"
LESSON_FILES = "[0-9][0-9]_*/lesson.toml"


@dataclass(frozen=True)
class Mutant:
    """A wrong answer: the solution with `replace` changed to `by`, and what to say to somebody who wrote it."""

    name: str
    replace: str
    by: str
    hint: str

    def source(self, solution):
        """Its text, from that of the solution.  ValueError unless `replace` occurs there exactly once."""
        if solution.count(self.replace) != 1:
            raise ValueError(f"mutant {self.name!r}: {self.replace!r} occurs {solution.count(self.replace)} times")
        return solution.replace(self.replace, self.by)


@dataclass(frozen=True)
class Exercise:
    """One function to write."""

    folder: Path  # of the lesson
    name: str
    title: str
    section: str  # a heading of the lesson
    properties_at: str  # "module:NAME" of a tuple of properties
    library_at: str | None  # "module:name" of the library's own function, which must pass too
    hints: tuple[str, str, str]  # from a nudge to nearly the answer

    @property
    def key(self):
        """Such as 02/output_size: what a student types and the state remembers."""
        return f"{self.folder.name[:2]}/{self.name}"

    @property
    def ask_for_hint(self):
        return f"minissd lesson hint {self.key}"

    @property
    def stub(self):
        return self.folder / "exercises" / f"{self.name}.py"

    @property
    def start_text(self):
        """What the student gets."""
        return _text(self.stub)

    @property
    def solution(self):
        return self.folder / "solutions" / f"{self.name}.py"

    @property
    def properties(self):
        return _named(self.properties_at, self.folder)

    @property
    def library(self):
        return _named(self.library_at, self.folder) if self.library_at else None

    @property
    def signatures(self):
        """Only in a handout: by these it recognises wrong answers that it does not have."""
        return self.folder / "mutants" / f"{self.name}.json"

    @property
    def mutants(self):
        """() in a handout."""
        path = self.folder / "mutants" / f"{self.name}.toml"
        entries = read_toml(path, _MUTANTS)["mutant"] if path.exists() else ()
        return tuple(Mutant(*(entry[name] for name in _MUTANT)) for entry in entries)


@dataclass(frozen=True)
class Lesson:
    folder: Path
    title: str
    question: str
    exercises: tuple[Exercise, ...]

    @property
    def number(self):
        return self.folder.name[:2]

    @property
    def notebook(self):
        return self.folder / "lesson.ipynb"


def find_shelf(start="."):
    """The folder of the lessons: a handout or a clone that `start` lies in, else those that came with the package."""
    start = Path(start).resolve()
    candidates = [folder / "lessons" for folder in (start, *start.parents)]
    for folder in (*candidates, PACKAGE / "lessons", PACKAGE.parent / "lessons"):
        if any(folder.glob(LESSON_FILES)):
            return folder
    raise MinissdError("the lessons are missing: install minissd again, or run it from a complete clone")


def read_lessons(shelf=None):
    """All lessons, in order."""
    folders = sorted(path.parent for path in Path(shelf or find_shelf()).glob(LESSON_FILES))
    return [_read_lesson(folder) for folder in folders]


def find_lesson(lessons, word):
    """The lesson that a person means by `word`: 2, 02 or part of its name.  MinissdError if there is none."""
    wanted = str(word).strip().lower()
    for lesson in lessons:
        if wanted.isdecimal() and len(wanted) < 10 and int(wanted) == int(lesson.number):
            return lesson
    found = [lesson for lesson in lessons if wanted and wanted in lesson.folder.name]
    if len(found) == 1:
        return found[0]
    first, last = int(lessons[0].number), int(lessons[-1].number)
    raise MinissdError(f"there is no lesson {word!r}: give a number from {first} to {last} (`minissd lesson list`)")


def find_exercise(lessons, word):
    """The exercise named by a key, a name or the path of its file.  MinissdError if there is none."""
    path = Path(str(word))
    name, parent = path.name.removesuffix(".py"), path.parent.name
    found = [e for lesson in lessons for e in lesson.exercises if e.name == name]
    if len(found) > 1 and parent:
        found = [e for e in found if e.folder.name.startswith(parent)]
    if len(found) == 1:
        return found[0]
    if found:
        keys = " or ".join(exercise.key for exercise in found)
        raise MinissdError(f"{word}: several exercises have that name: give {keys}")
    known = [word for lesson in lessons for e in lesson.exercises for word in (e.name, e.key)]
    close = difflib.get_close_matches(name, known, n=1) or known[:1]
    raise MinissdError(f"{word}: is no exercise: give a name such as {close[0]}, or the file that holds your answer")


def _read_lesson(folder):
    content = read_toml(folder / "lesson.toml", _LESSON)
    exercises = tuple(_read_exercise(folder, name) for name in content["exercises"])
    return Lesson(folder, content["title"], content["question"], exercises)


def _read_exercise(folder, name):
    if not name.isidentifier():
        raise MinissdError(f"{folder / 'lesson.toml'}: {name!r} is no name of a function: {_RESTORE}")
    path = folder / "exercises" / f"{name}.toml"
    content = read_toml(path, _EXERCISE)
    if len(content["hints"]) != HINTS:
        raise MinissdError(f"{path}: has {len(content['hints'])} hints, expected are {HINTS}: {_RESTORE}")
    return Exercise(
        folder=folder,
        name=name,
        title=content["title"],
        section=content["section"],
        properties_at=content["properties"],
        library_at=content.get("library"),
        hints=tuple(content["hints"]),
    )


def read_toml(path, kinds):
    """The content of a TOML file of the lessons: what `kinds` names, and of those kinds.

    kinds: {name: kind}, a kind being str, a list of one kind, or such a dictionary.  MinissdError if the file is
    missing, damaged, or says something else.
    """
    try:
        content = tomllib.loads(_text(path))
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
        raise MinissdError(f"{path}: is no TOML ({error}): {_RESTORE}") from None
    return _fitting(content, kinds, path)


def read_json(path, kinds):
    """The same of a JSON file."""
    try:
        content = parse_json(_text(path))
    except ValueError as error:
        raise MinissdError(f"{path}: is no JSON ({error}): {_RESTORE}") from None
    return _fitting(content, kinds, path)


def _fitting(content, kinds, path):
    if wrong := _misfit(content, kinds, ""):
        raise MinissdError(f"{path}: {wrong} is missing or of another kind: {_RESTORE}")
    if not isinstance(content, type(kinds)):
        raise MinissdError(f"{path}: holds something else than it should: {_RESTORE}")
    return content


def _misfit(value, kind, place=""):
    """The first place in a value where it is not of its kind; "" if there is none."""
    if isinstance(kind, dict):
        inner = kind.items() if isinstance(value, dict) else ()
        wrong = (_misfit(value.get(name), one, f"{place}.{name}".strip(".")) for name, one in inner)
        return next(filter(None, wrong), "" if isinstance(value, dict) else place)
    if isinstance(kind, list):
        inner = enumerate(value) if isinstance(value, list) else ()
        wrong = (_misfit(one, kind[0], f"{place}[{number}]") for number, one in inner)
        return next(filter(None, wrong), "" if isinstance(value, list) else place)
    return "" if isinstance(value, kind) else place


def _text(path):
    """The text of a file of the lessons."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MinissdError(f"{path}: is missing: the lessons are incomplete, install minissd again") from None
    except (OSError, ValueError) as error:
        raise MinissdError(f"{path}: cannot be read ({error}): {_RESTORE}") from None


def check_hypothesis() -> None:
    """MinissdError, saying what to install, where the library is missing that draws the inputs answers are tried on."""
    if find_spec("hypothesis") is None:
        raise MinissdError("answers are judged with Hypothesis, which is not installed: pip install hypothesis")


def _named(place, folder):
    """What "module:name" says, of this package only: a handout names what it needs, and brings no code of its own."""
    module, _, name = place.partition(":")
    try:
        if not module.startswith("minissd."):
            raise ImportError
        check_hypothesis()
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        raise MinissdError(
            f"{folder}: an exercise asks for {place}, which is not part of minissd: {_RESTORE}"
        ) from None
