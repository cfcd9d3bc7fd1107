"""`minissd bench`: how long the main pieces of work take here, beside PyTorch in the same run if it is installed."""

import shlex
import sys
from enum import Enum, StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from minissd.bench import BENCHMARKS, load_average, load_peer, make_record, pictures
from minissd.cli.bench_tables import print_results
from minissd.cli.console import console, progress_bar
from minissd.errors import MinissdError
from minissd.files import check_file_writable, check_writable, write_json

Work = Enum("Work", {name: name for name in BENCHMARKS}, type=str)
QUIET = 0.5  # load average up to which a machine counts as quiet


class Peer(StrEnum):
    torch = "torch"
    none = "none"


def bench(
    work: Annotated[list[Work] | None, typer.Argument(help="What to measure; all of it unless given.")] = None,
    peer: Annotated[Peer | None, typer.Option(help="Measure beside it; torch if it is installed.")] = None,
    repeat: Annotated[
        int, typer.Option(help="Times that each side is measured, a third of it for slow work; medians count.", min=1)
    ] = 15,
    data: Annotated[
        str | None, typer.Option(help="Images to prepare in `data`, as for train; generated JPEGs unless given.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the record of this run to a file.", metavar="FILE")] = None,
    draw: Annotated[
        Path | None,
        typer.Option("--pictures", help="Draw what `layers` and `growth` measure into a folder.", metavar="DIR"),
    ] = None,
):
    """Measure speed and memory, after checking that what is measured computes the right thing."""
    names = list(dict.fromkeys(each.value for each in work or Work))
    check_options(names, json, draw, data)
    load = load_average()
    if load and load > QUIET:
        console.print(f"note: other programs are at work (load {load}): do not keep these times", style="yellow")
    results = measure(names, load_peer(peer and peer.value), repeat, data)
    record = make_record(results, shlex.join(["minissd", *sys.argv[1:]]), repeat, load)
    print_results(results, record)
    if json:
        write_json(json, record)
        console.print(f"record: {json}", markup=False, soft_wrap=True)
    for path in pictures.draw(results, draw) if draw else ():
        console.print(f"picture: {path}", markup=False, soft_wrap=True)


def check_options(names, json, draw, data):
    """MinissdError, before minutes of work, if the results could not be written or an option would have no effect."""
    if json:
        check_file_writable(json)
    if draw:
        check_writable(draw)
        if not {"layers", "growth"} & set(names):
            raise MinissdError("--pictures draws what layers and growth measure: add one of them, or leave it out")
    if data and "data" not in names:
        raise MinissdError("--data is what `data` prepares: add data to the work, or leave it out")


def measure(names, peer, repeat, data):
    """{name of a benchmark: what it returned}, with a progress bar for each."""
    results = {}
    with progress_bar("rounds") as bar:
        for name in names:
            task = bar.add_task(name, total=repeat, speed=0, note="checking")

            def report(what, done, total, task=task):
                bar.update(task, completed=done, total=total, note=what, speed=bar.tasks[task].speed or 0)

            run = partial(BENCHMARKS[name], data=data) if name == "data" else BENCHMARKS[name]
            results[name] = run(peer, repeat, report)
    return results
