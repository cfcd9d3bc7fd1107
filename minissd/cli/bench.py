"""`minissd bench`: how long the main pieces of work take here, beside PyTorch in the same run if it is installed."""

import shlex
import sys
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated

import typer

from minissd.bench import BENCHMARKS, load_average, load_peer, make_record
from minissd.cli.console import console, print_table, progress_bar, simple_table
from minissd.files import write_json

Work = Enum("Work", {name: name for name in BENCHMARKS}, type=str)
QUIET = 0.5  # load average up to which a machine counts as quiet
VERDICTS = {True: "[green]reached[/]", False: "[red]missed[/]", None: ""}


class Peer(StrEnum):
    torch = "torch"
    none = "none"


def bench(
    work: Annotated[list[Work] | None, typer.Argument(help="What to measure; all of it unless given.")] = None,
    peer: Annotated[Peer | None, typer.Option(help="Measure beside it; torch if it is installed.")] = None,
    repeat: Annotated[int, typer.Option(help="Times that each side is measured; the median counts.", min=1)] = 15,
    json: Annotated[Path | None, typer.Option(help="Write the record of this run to a file.", metavar="FILE")] = None,
):
    """Measure speed and memory, after checking that what is measured computes the right thing."""
    load = load_average()
    if load and load > QUIET:
        console.print(f"note: other programs are at work (load {load}): do not keep these times", style="yellow")
    other = load_peer(peer and peer.value)
    figures = {}
    with progress_bar("rounds") as bar:
        for name in dict.fromkeys(each.value for each in work or Work):
            task = bar.add_task(name, total=repeat, speed=0, note="checking")

            def report(what, done, total, task=task):
                bar.update(task, completed=done, total=total, note=what, speed=bar.tasks[task].speed or 0)

            figures[name] = BENCHMARKS[name](other, repeat, report)
    record = make_record(figures, shlex.join(["minissd", *sys.argv[1:]]), repeat, load)
    print_figures([figure for of_one in figures.values() for figure in of_one], record)
    if json:
        write_json(json, record)
        console.print(f"record: {json}", markup=False)


def print_figures(figures, record):
    """Times and memory, a table each, for their ratios are written the other way round."""
    machine, versions = record["machine"], record["versions"]
    console.print(
        f"{machine['cpu']}, {machine['threads']} threads, NumPy {versions['numpy']}, "
        f"PyTorch {versions['torch'] or 'not installed'}; medians of {record['repeat']}"
    )
    times = [figure for figure in figures if figure.unit == "ms"]
    memory = [figure for figure in figures if figure.unit == "MiB"]
    if times:
        print_unit("time", "PyTorch /\nminissd", times, lambda ratio: 1 / ratio, ">=")
    if memory:
        print_unit("memory", "minissd /\nPyTorch", memory, lambda ratio: ratio, "<=")


def print_unit(title, ratio_title, figures, shown, sign):
    """A table of figures of one unit.  shown: turns ours / PyTorch's into the ratio that the column shows."""
    unit = figures[0].unit
    table = simple_table("work", f"minissd\n{unit}", f"PyTorch\n{unit}", ratio_title, "required", "")
    for figure in figures:
        theirs, _ = figure.peer
        table.add_row(
            figure.work,
            f"{figure.ours:.1f}",
            "" if theirs is None else f"{theirs:.1f}",
            "" if theirs is None else f"{shown(figure.ratio):.2f}",
            "" if figure.limit is None else f"{sign} {shown(figure.limit):.2f}",
            VERDICTS[figure.reached],
        )
    print_table(title, table)
