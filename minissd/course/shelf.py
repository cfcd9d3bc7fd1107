"""Where the lessons lie and what is in them.

    lessons/NN_topic/
      lesson.md             the lesson, a MyST notebook; lesson.ipynb is made from it
      lesson.toml           title, question, and the names of its exercises in their order
      exercises/NAME.py     what the student gets: one function NAME to fill in
      exercises/NAME.toml   title, section of the lesson to reread, properties that judge it, three hints
      solutions/NAME.py     the answer
      mutants/NAME.toml     plausible wrong answers, each a change of the solution, and the hint it deserves

In a clone they lie beside the package, in an installed one within it.  A handout (`minissd lesson export`) has neither
solutions nor mutants.
"""

import difflib
import importlib
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from minissd.errors import MinissdError

PACKAGE = Path(__file__).resolve().parents[1]
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
        return self.stub.read_text(encoding="utf-8")

    @property
    def solution(self):
        return self.folder / "solutions" / f"{self.name}.py"

    @property
    def properties(self):
        return _named(self.properties_at)

    @property
    def library(self):
        return _named(self.library_at) if self.library_at else None

    @property
    def mutants(self):
        """() in a handout."""
        path = self.folder / "mutants" / f"{self.name}.toml"
        return tuple(Mutant(**entry) for entry in read_toml(path)["mutant"]) if path.exists() else ()


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
        if wanted.isdecimal() and int(wanted) == int(lesson.number):
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
    content = read_toml(folder / "lesson.toml")
    exercises = tuple(_read_exercise(folder, name) for name in content["exercises"])
    return Lesson(folder, content["title"], content["question"], exercises)


def _read_exercise(folder, name):
    content = read_toml(folder / "exercises" / f"{name}.toml")
    return Exercise(
        folder=folder,
        name=name,
        title=content["title"],
        section=content["section"],
        properties_at=content["properties"],
        library_at=content.get("library"),
        hints=tuple(content["hints"]),
    )


def read_toml(path):
    """The content of a TOML file of the lessons; MinissdError if it is missing or damaged."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MinissdError(f"{path}: is missing: the lessons are incomplete, install minissd again") from None
    except tomllib.TOMLDecodeError as error:
        raise MinissdError(f"{path}: is no TOML ({error}): restore it from the repository") from None


def check_hypothesis() -> None:
    """MinissdError, saying what to install, where the library is missing that draws the inputs answers are tried on."""
    if find_spec("hypothesis") is None:
        raise MinissdError("answers are judged with Hypothesis, which is not installed: pip install 'minissd[lessons]'")


def _named(place):
    """What "module:name" says, of this package only: a handout names what it needs, and brings no code of its own."""
    module, _, name = place.partition(":")
    if not module.startswith("minissd."):
        raise MinissdError(f"the exercise asks for {place}, which is not part of minissd: restore its file")
    check_hypothesis()
    return getattr(importlib.import_module(module), name)
