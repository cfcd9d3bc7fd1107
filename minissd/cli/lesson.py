"""`minissd lesson`: the course at the command line."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from minissd.cli.console import console, print_table, simple_table
from minissd.cli.lesson_bug import bug
from minissd.cli.lesson_milestone import milestone, tell_of_milestone
from minissd.cli.lesson_report import print_verdict
from minissd.cli.lesson_teacher import export, grade
from minissd.course import find_exercise, find_lesson, find_shelf, judge_file, read_lessons
from minissd.course.folder import StudentFolder
from minissd.course.shelf import check_hypothesis
from minissd.errors import MinissdError

lesson = typer.Typer(
    help="The course: lessons, exercises, hints; and handouts and grades for teachers.",
    no_args_is_help=True,
    add_completion=False,
)

for command in (milestone, export, grade):
    lesson.command()(command)
lesson.add_typer(bug, name="bug")

Folder = Annotated[Path | None, typer.Option(help="Your folder; else the one you are in, or minissd-course here.")]
ExerciseWord = Annotated[
    str | None, typer.Argument(help="Its name, 02/name or file; else the one you are at.", metavar="EXERCISE")
]


@lesson.command("list")
def list_lessons(folder: Folder = None):
    """The lessons, and how far you are."""
    mine = StudentFolder.find(folder)
    table = Table("", "lesson", "the question", "exercises passed")
    for one in read_lessons(find_shelf()):
        passed, count = sum(map(mine.passed, one.exercises)), len(one.exercises)
        mark = "[green]" if passed == count else ""
        table.add_row(one.number, one.title, one.question, f"{mark}{passed} of {count}" if count else "to read")
    console.print(table)
    console.print("`minissd lesson start 1` copies the first one's exercises into your folder.")


@lesson.command()
def start(number: Annotated[str, typer.Argument(help="Of the lesson.", metavar="NN")], folder: Folder = None):
    """Copy the exercises and the notebook of a lesson into your folder; what is there already stays."""
    lessons = read_lessons(find_shelf())
    chosen, mine = find_lesson(lessons, number), StudentFolder.find(folder)
    _start(mine, chosen)
    if chosen.exercises:
        console.print(
            "Read the lesson, open the files in an editor, and ask [bold]minissd lesson check[/] about your answer."
        )
    else:
        console.print("It has no exercises: read the notebook, then [bold]minissd lesson start 1[/].")


@lesson.command("next")
def next_exercise(folder: Folder = None):
    """The exercise you are at; it starts the next lesson when one is done."""
    lessons, mine = read_lessons(find_shelf()), StudentFolder.find(folder)
    exercise = mine.current(lessons)
    if exercise is None:
        following = mine.following(lessons)
        if following is None:
            console.print("[green]All exercises have passed.[/] Now find the bug: [bold]minissd lesson bug list[/]")
            return
        _start(mine, following)
        exercise = mine.current(lessons)
    console.print(f"[bold]{exercise.key}[/]  {escape(exercise.title)}")
    console.print(f"file     {mine.file(exercise)}", soft_wrap=True, markup=False)
    place = f"lesson {exercise.key[:2]}, “{exercise.section}”"
    console.print(f"read     {place}", soft_wrap=True, markup=False)


@lesson.command()
def check(
    exercise: Annotated[
        str | None,
        typer.Argument(help="A file, an exercise or a lesson's number; else the one you are at.", metavar="FILE"),
    ] = None,
    folder: Folder = None,
):
    """Try your answer on many inputs; exit status 1 unless it passes."""
    mine, lessons = StudentFolder.find(folder), read_lessons(find_shelf())
    if exercise and exercise.isdecimal():
        chosen = find_lesson(lessons, exercise).exercises
    else:
        chosen = (_exercise(mine, lessons, exercise),)
    verdicts = [_check(mine, one, _file_of(mine, one, exercise)) for one in chosen]
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(1)
    tell_of_milestone(mine, next(one for one in lessons if chosen[0] in one.exercises))
    following = mine.current(lessons)
    if following:
        console.print(f"next: [bold]{following.key}[/]  {escape(following.title)}")
    else:
        console.print("All that you started is done. [bold]minissd lesson next[/] leads on.")


@lesson.command()
def watch(exercise: ExerciseWord = None, folder: Folder = None):
    """Check a file each time it is saved, until all that is watched has passed (or Ctrl-C)."""
    check_hypothesis()
    mine, lessons = StudentFolder.find(folder), read_lessons(find_shelf())
    chosen = [_exercise(mine, lessons, exercise)] if exercise else _open_exercises(mine, lessons)
    files = {_file_of(mine, one, exercise): one for one in chosen}
    if not files:
        raise MinissdError("there is nothing to watch: `minissd lesson start NN` first")
    names = ", ".join(path.name for path in files)
    console.print(f"Save one of these and it is judged; Ctrl-C ends it: {names}", soft_wrap=True, markup=False)
    seen = {path: _saved_at(path) for path in files}
    left = set(files)
    try:
        while left:
            for path in sorted(files):
                if (saved := _saved_at(path)) not in (seen[path], None):
                    seen[path] = saved
                    (left.discard if _passes(mine, files[path], path) else left.add)(path)
            time.sleep(0.3)
    except KeyboardInterrupt:
        console.print("The watch is over.")


@lesson.command()
def hint(exercise: ExerciseWord = None, folder: Folder = None):
    """The next of three hints."""
    mine, lessons = StudentFolder.find(folder), read_lessons(find_shelf())
    chosen = _exercise(mine, lessons, exercise)
    number, text = mine.next_hint(chosen)
    console.print(f"[bold]{chosen.key}[/]  hint {number} of {len(chosen.hints)}")
    console.print(text, markup=False)


@lesson.command()
def solution(
    exercise: ExerciseWord = None,
    now: Annotated[bool, typer.Option("--now", help="Though there are hints left.")] = False,
    folder: Folder = None,
):
    """A right answer."""
    mine, lessons = StudentFolder.find(folder), read_lessons(find_shelf())
    chosen = _exercise(mine, lessons, exercise)
    if not chosen.solution.exists():
        raise MinissdError(f"{chosen.key}: this handout has no solutions: ask who gave it to you")
    left = len(chosen.hints) - mine.record(chosen)["hints"]
    if left and not mine.passed(chosen) and not now:
        raise MinissdError(f"{chosen.key}: {left} hints are left: take `minissd lesson hint` first, or give --now")
    console.print(f"[bold]{chosen.key}[/]  {escape(chosen.title)}")
    console.print(Syntax(chosen.solution.read_text(encoding="utf-8"), "python", background_color="default"))


@lesson.command()
def progress(folder: Folder = None):
    """What has passed, exercise by exercise."""
    mine = StudentFolder.find(folder)
    lessons = [one for one in read_lessons(find_shelf()) if one.exercises and mine.started(one)]
    if not lessons:
        raise MinissdError(f"{mine.path}: no lesson is started there: `minissd lesson start 1`")
    for one in lessons:
        table = simple_table("exercise", "tries", "hints", "passed on")
        for exercise in one.exercises:
            record = mine.record(exercise)
            passed = f"[green]{record['passed']}[/]" if record["passed"] else "not yet"
            table.add_row(exercise.name, str(record["tries"]), str(record["hints"]), passed)
        print_table(f"{one.number}  {one.title}", table)


@lesson.command()
def reset(
    exercise: Annotated[str, typer.Argument(help="Its name, 02/name or file.", metavar="EXERCISE")],
    folder: Folder = None,
):
    """A fresh stub; your file is kept beside it."""
    mine = StudentFolder.find(folder)
    chosen = _exercise(mine, read_lessons(find_shelf()), exercise)
    kept = mine.reset(chosen)
    old = f"; yours is now {kept.name}" if kept else ""
    console.print(f"{mine.file(chosen)} is new{old}", soft_wrap=True, markup=False)


def _start(mine, chosen):
    new = mine.start(chosen)
    console.print(f"[bold]Lesson {chosen.number}: {escape(chosen.title)}[/]  {escape(chosen.question)}")
    for path in new:
        console.print(f"  new   {path}", soft_wrap=True, markup=False)
    kept = len(chosen.exercises) - sum(path.suffix == ".py" for path in new)
    if kept:
        console.print(f"  {kept} of your files were there and stay as they are")


def _exercise(mine, lessons, word):
    """The exercise that the user means; without a word the one they are at."""
    if word:
        return find_exercise(lessons, word)
    current = mine.current(lessons)
    if current is None:
        raise MinissdError("no exercise is open: `minissd lesson next` starts the next lesson, or name an exercise")
    return current


def _open_exercises(mine, lessons):
    return [e for one in lessons if mine.started(one) for e in one.exercises if not mine.passed(e)]


def _file_of(mine, exercise, word):
    """The file that holds the answer: the one that was named, or that of the student's folder."""
    if word and Path(word).suffix == ".py":
        if Path(word).is_file():
            return Path(word)
        if Path(word).name != word:
            raise MinissdError(f"{word}: is not there: give the path of your file, or {exercise.key}")
    path = mine.file(exercise)
    if not path.exists():
        number = int(exercise.key[:2])
        raise MinissdError(f"{path}: is not there: `minissd lesson start {number}` copies it")
    return path


def _check(mine, exercise, path):
    verdict = judge_file(path, exercise)
    print_verdict(exercise, verdict)
    mine.note_verdict(exercise, verdict)
    return verdict


def _passes(mine, exercise, path):
    """Check a file while watching; what cannot be read now is said, and may be saved better."""
    try:
        return _check(mine, exercise, path).passed
    except MinissdError as error:
        console.print(f"\n{error}", style="red", soft_wrap=True, markup=False)
        return False


def _saved_at(path):
    """When the file was last written; None in the moment in which an editor replaces it."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
