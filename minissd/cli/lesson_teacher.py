"""`minissd lesson export` and `grade`: what a teacher hands out, and what comes back."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from minissd.cli.console import console, print_table, progress_bar, simple_table
from minissd.course import find_shelf, read_lessons
from minissd.course.grading import STATE, in_order
from minissd.course.grading import grade as grade_folders
from minissd.course.handout import export as export_handout
from minissd.course.shelf import find_lesson
from minissd.course.tables import write_details, write_junit, write_points
from minissd.files import check_writable


def export(target: Annotated[Path, typer.Argument(help="A new folder.", metavar="DIR")]):
    """For teachers: a handout without solutions, checked."""
    with progress_bar("exercises") as bar:
        count = export_handout(find_shelf(), target, report=_reporter(bar, "checking"))
    console.print(f"{target}: {count} exercises, without solutions", soft_wrap=True, markup=False)


def grade(
    folders: Annotated[list[Path], typer.Argument(help="One for each student.", metavar="DIR...")],
    only: Annotated[str, typer.Option("--lessons", help="Only these, as 1,2,5.", metavar="NN,NN")] = "",
    seed: Annotated[int, typer.Option(help="Of the inputs, the same for all.", min=0)] = 1,
    workers: Annotated[int | None, typer.Option(help="Files judged at a time; else one for each core.", min=1)] = None,
    out: Annotated[Path, typer.Option(help="Where the grades go: CSV, and XML (JUnit).", metavar="DIR")] = Path(
        "grades"
    ),
):
    """For teachers: judge many submissions, each file in a process of its own; stopped, it goes on from there."""
    lessons = read_lessons(find_shelf())
    if only:
        lessons = list(dict.fromkeys(find_lesson(lessons, word) for word in only.split(",") if word.strip()))
    exercises = [exercise for lesson in lessons for exercise in lesson.exercises]
    check_writable(out)
    grades = []
    try:
        with progress_bar("files") as bar:
            report = _reporter(bar, "grading")
            grades.extend(
                grade_folders(folders, exercises, seed=seed, workers=workers, state=out / STATE, report=report)
            )
    except KeyboardInterrupt:
        console.print(f"Stopped; the same command goes on from {out / STATE}.", markup=False)
        raise
    grades = in_order(grades, exercises)
    table = simple_table("student", "points", "wrong", "empty", "missing", "other", "to look at")
    for student in dict.fromkeys(one.student for one in grades):
        verdicts = [one.verdict for one in grades if one.student == student]
        counts = [verdict.status for verdict in verdicts]
        known = [counts.count(status) for status in ("passed", "wrong", "empty", "missing")]
        look = sum(bool(verdict.look) for verdict in verdicts)
        table.add_row(escape(student), *map(str, known), str(len(counts) - sum(known)), str(look or ""))
    print_table(f"{len(exercises)} exercises, seed {seed}", table)
    files = {"grades.csv": write_points, "details.csv": write_details, "grades.xml": write_junit}
    for name, write in files.items():
        console.print(write(out / name, grades), soft_wrap=True, markup=False)


def _reporter(bar, title):
    """report(done, total) that moves a task of the bar."""
    task = bar.add_task(title, total=None, speed=0, note="")

    def report(done, total):
        bar.update(task, completed=done, total=total, speed=bar.tasks[task].speed or 0)

    return report
