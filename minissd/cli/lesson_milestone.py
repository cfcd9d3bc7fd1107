"""`minissd lesson milestone`: a network made of the student's own functions."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from minissd.cli.console import console, progress_bar
from minissd.course import find_shelf
from minissd.course.folder import StudentFolder
from minissd.data.download import place_of
from minissd.data.mnist import is_mnist
from minissd.errors import MinissdError

AFTER = (4, 7, 10, 12)  # lessons


def tell_of_milestone(mine, chosen):
    """A line, once all exercises of a lesson with a milestone have passed."""
    number = int(chosen.number)
    if number in AFTER and all(map(mine.passed, chosen.exercises)):
        console.print(f"Lesson {number} is done: [bold]minissd lesson milestone {number}[/] trains what you built.")


def milestone(
    number: Annotated[int, typer.Argument(help="Of the lesson it follows: 4, 7, 10 or 12.", metavar="N")],
    data: Annotated[Path | None, typer.Option(help="Folder of MNIST, for milestone 4; else what was fetched.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Your folder; else the one you are in, or minissd-course here.")
    ] = None,
):
    """Train a network that is made of your functions; it takes about a minute.

    4: a LeNet on digits. 7: a U-Net. 10: YOLO cells. 12: an SSD, from default boxes to AP.
    Where one of yours is missing, the library's stands in; if the score is low, it says whose function that is.
    Exit status 1 unless the score is reached.
    """
    from minissd.course.milestones import MILESTONES  # here, for they draw pictures, which is slow to import
    from minissd.course.milestones.running import run_milestone

    if number not in MILESTONES:
        raise MinissdError(f"there is no milestone {number}: give {', '.join(map(str, MILESTONES))}")
    mine, kind = StudentFolder.find(folder), MILESTONES[number]
    if not mine.path.is_dir():
        raise MinissdError(f"{mine.path}: is not there: `minissd lesson start 1` begins it, or give --folder")
    digits = _digits(data) if kind.needs_digits else None
    console.print(f"[bold]Milestone {number}: {kind.title}[/]")
    with progress_bar("steps") as bar:
        task = bar.add_task("comparing", total=None, speed=0.0, note="")
        began = time.monotonic()

        def report(step, total, loss):
            speed = step / max(time.monotonic() - began, 1e-9)
            bar.update(task, description="training", completed=step, total=total, speed=speed, note=f"loss {loss:.3f}")

        quick = bool(os.environ.get("MINISSD_QUICK"))  # for the tests
        outcome, picture = run_milestone(mine, find_shelf(), number, digits=digits, quick=quick, report=report)
    print_outcome(kind, outcome, picture)
    if not outcome.reached:
        raise typer.Exit(1)


def _digits(given):
    """The folder of MNIST: what was given, or fetched."""
    if given is not None:
        if not is_mnist(given):
            raise MinissdError(f"{given}: holds no MNIST: give the folder with train-images-idx3-ubyte.gz")
        return given.resolve()
    if is_mnist(place := place_of("mnist")):
        return place.resolve()
    raise MinissdError("this milestone reads digits: run `minissd fetch mnist` first, or give --data FOLDER")


def print_outcome(kind, outcome, picture):
    yours = len(outcome.used)
    console.print(f"  {yours} of {yours + len(outcome.missing)} functions are yours")
    for name, why in outcome.missing.items():
        _line(f"  the library's: {name} ({why})")
    for name, what in outcome.differing.items():
        console.print(f"  [red]✗[/] {name} answers otherwise than the library's")
        for line in what.splitlines()[:6]:
            _line(f"      {line}")
    if outcome.failure:
        console.print("  [red]✗[/] it broke off")
        _line(f"      {outcome.failure}")
    if outcome.score is not None:
        mark = "[green]✓[/]" if outcome.reached else "[red]✗[/]"
        text = f"  {mark} {outcome.score:.3f}  {kind.measure}; to reach: {outcome.figure:g}"
        console.print(text, soft_wrap=True)
    for name, score in outcome.swapped.items():
        became = "it still breaks off" if score is None else f"{score:.3f}"
        _line(f"    with the library's {name} in the place of yours: {became}")
    if not outcome.reached and not outcome.differing:
        _line("  no function was seen to answer otherwise than the library's: ask `minissd lesson check` about each")
    elif outcome.differing:
        _line(f"  ask: minissd lesson check {next(iter(outcome.differing))}")
    if picture:
        _line(f"  picture: {picture}")


def _line(text):
    console.print(text, markup=False, soft_wrap=True)
