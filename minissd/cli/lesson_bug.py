"""`minissd lesson bug`: the lab, a working detector with one bug in it."""

import difflib
from typing import Annotated

import typer
from rich.markup import escape
from rich.syntax import Syntax

from minissd.cli.console import console, simple_table
from minissd.cli.lesson_report import print_verdict
from minissd.course import find_shelf, judge_file
from minissd.course.folder import StudentFolder
from minissd.course.lab import find_trap, read_traps
from minissd.errors import MinissdError

bug = typer.Typer(help="The lab: find the bug in a working detector, from its symptoms.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="Of the bug, or its file.", metavar="N")]


def _bench(number):
    """The student's folder and the bug that is meant."""
    return StudentFolder.find(), find_trap(_traps(), number)


def _traps():
    traps = read_traps(find_shelf())
    if not traps:
        raise MinissdError("this handout has no lab: ask who gave it to you")
    return traps


@bug.command("list")
def list_bugs():
    """The bugs, and which of them you have found."""
    mine, table = StudentFolder.find(), simple_table("bug", "tries", "hints", "found on")
    for trap in _traps():
        record = mine.record(trap)
        table.add_row(trap.title, str(record["tries"]), str(record["hints"]), record["passed"] or "not yet")
    console.print(table)


@bug.command()
def start(number: Number):
    """Copy a detector with a bug into your folder and say what its users complain about."""
    mine, trap = _bench(number)
    new = mine.start_one(trap)
    console.print(f"[bold]Bug {trap.number}[/]  {escape(trap.symptom)}")
    console.print(f"{'new' if new else 'there'}   {mine.file(trap)}", soft_wrap=True, markup=False)
    console.print("Run it with python to see its vital signs; it trains for about a minute.")


@bug.command()
def check(number: Number):
    """Is the bug gone, and everything else as it was?  Exit status 1 unless it is."""
    mine, trap = _bench(number)
    path = mine.file(trap)
    if not path.exists():
        raise MinissdError(f"{path}: is not there: `minissd lesson bug start {trap.number}` copies it")
    verdict = judge_file(path, trap)
    mine.note_verdict(trap, verdict)
    print_verdict(trap, verdict)
    if not verdict.passed:
        raise typer.Exit(1)
    console.print(f"It was this: {trap.name_of_bug}.", markup=False)


@bug.command()
def hint(number: Number):
    """The next of three hints: which vital sign, which idea, which function."""
    mine, trap = _bench(number)
    count, text = mine.next_hint(trap)
    console.print(f"[bold]{trap.title}[/]  hint {count} of {len(trap.hints)}")
    console.print(text, markup=False)


@bug.command()
def solution(number: Number):
    """What has to change, once all hints are out or the bug is found."""
    mine, trap = _bench(number)
    left = len(trap.hints) - mine.record(trap)["hints"]
    if left and not mine.passed(trap):
        raise MinissdError(f"{trap.title}: {left} hints are left: take `minissd lesson bug hint {trap.number}` first")
    if trap.mutant is None:
        raise MinissdError(f"{trap.title}: this handout has no solutions: ask who gave it to you")
    changes = difflib.unified_diff(
        trap.start_text.splitlines(), trap.sound.splitlines(), trap.name, "sound", n=2, lineterm=""
    )
    console.print(Syntax("\n".join(changes), "diff", background_color="default"))
