"""`minissd bench`: how long the main pieces of work take here, beside PyTorch in the same run if it is installed."""

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from minissd.bench import (
    BENCHMARKS,
    BESIDE_RUNTIMES,
    NAMES,
    ON_CARD,
    Conditions,
    Watch,
    check_alone,
    load_average,
    load_peer,
    load_runtimes,
    make_record,
)
from minissd.bench.nvidia_smi import driver_version
from minissd.cli import options
from minissd.cli.bench_tables import print_results
from minissd.cli.bench_tune import tune
from minissd.cli.console import console, progress_bar
from minissd.device import resolve_device
from minissd.device.card import check_precision, describe_card
from minissd.errors import MinissdError
from minissd.files import check_file_writable, check_writable, write_json

QUIET = 0.5  # load average up to which a machine counts as quiet


def _peers(text):
    """("torch", ...) from "torch,onnxruntime"; () from "none"; None, for what is installed, from None."""
    names = None if text is None else tuple(dict.fromkeys(map(str.strip, text.split(","))))
    return () if names == ("none",) else options.each_of(NAMES)(names)


def bench(
    work: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"What to measure; all unless given. On a GPU: {', '.join(ON_CARD)}; else {', '.join(BENCHMARKS)}.",
            callback=options.each_of((*BENCHMARKS, *ON_CARD)),
        ),
    ] = None,
    peer: Annotated[
        str | None,
        typer.Option(
            help=f"Measure beside these, of {', '.join(NAMES)}, or none; inference ({', '.join(BESIDE_RUNTIMES)}) "
            "beside all, the rest beside torch.",
            show_default="torch if it is installed",
            metavar="A,B",
        ),
    ] = None,
    repeat: Annotated[
        int, typer.Option(help="Runs of each side, a third of them for slow work; medians are reported.", min=1)
    ] = 15,
    data: Annotated[
        str | None, typer.Option(help="Images for `data` and `run`, as for train; generated JPEGs unless given.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    precision: options.Precision = "fp32",
    json: Annotated[Path | None, typer.Option(help="Write the record of this run to a file.", metavar="FILE")] = None,
    draw: Annotated[
        Path | None,
        typer.Option("--pictures", help="Draw what `layers` and `growth` measure into a folder.", metavar="DIR"),
    ] = None,
    tuning: Annotated[
        bool,
        typer.Option(
            "--tune", help="Measure convolutions, a minute; from then on the fastest algorithms here are chosen."
        ),
    ] = False,
):
    """Measure speed and memory, after checking that what is measured computes the right thing."""
    device = resolve_device(device)
    check_precision(precision, device)
    if tuning:
        if work or peer or json or draw or data or device != "cpu":
            raise MinissdError("--tune measures convolutions on the CPU and nothing else: leave out all but --tune")
        tune()
        return
    peers = _peers(peer)
    known = BENCHMARKS if device == "cpu" else ON_CARD
    names = list(dict.fromkeys(work or known))
    runtimes = load_runtimes([one for one in peers or () if one != "torch"])
    check_options(names, known, json, draw, data, runtimes)
    load = load_average()
    if load and load > QUIET:
        console.print(f"note: other programs are at work (load {load}): do not keep these times", style="yellow")
    beside = load_peer(None if peers is None else "torch" if "torch" in peers else "none", device)
    watch = Watch()
    results = measure(names, beside, repeat, Conditions(device, precision, data), runtimes)
    others = watch.share_of_others()
    card = None if device == "cpu" else describe_card() | {"driver": driver_version()}
    record = make_record(results, shlex.join(["minissd", *sys.argv[1:]]), repeat, load, others, card)
    print_results(results, record)
    if draw:
        from minissd.bench.pictures import draw as draw_pictures  # matplotlib is slow to import

        for path in draw_pictures(results, draw):
            console.print(f"picture: {path}", markup=False, soft_wrap=True)
    if json:
        check_alone(json, record)
        write_json(json, record)
        console.print(f"record: {json}", markup=False, soft_wrap=True)


def check_options(names, known, json, draw, data, runtimes):
    """MinissdError, before minutes of work, if the results could not be written or an option would have no effect.

    names: of the work; known: the benchmarks of this device.
    """
    elsewhere = [name for name in names if name not in known]
    if elsewhere:
        other = "--device cuda" if known is BENCHMARKS else "--device cpu"
        raise MinissdError(f"{elsewhere[0]} is not measured here: add {other}, or choose among {', '.join(known)}")
    if runtimes and not set(BESIDE_RUNTIMES) & set(names):
        measured = ", ".join(BESIDE_RUNTIMES)
        raise MinissdError(f"--peer {runtimes[0].NAME} is for {measured} on the CPU: add one of them, or leave it out")
    if json:
        check_file_writable(json)
    if draw:
        check_writable(draw)
        if not {"layers", "growth"} & set(names):
            raise MinissdError("--pictures draws what layers and growth measure: add one of them, or leave it out")
    if data and not {"data", "run"} & set(names):
        raise MinissdError("--data is what `data` prepares and `run` trains on: add one of them, or leave it out")


def measure(names, peer, repeat, conditions, runtimes=()):
    """{name of a benchmark: what it returned}, with a progress bar for each."""
    results = {}
    with progress_bar("rounds") as bar:
        for name in names:
            task = bar.add_task(name, total=repeat, speed=0, note="checking")

            def report(what, done, total, task=task):
                bar.update(task, completed=done, total=total, note=what, speed=bar.tasks[task].speed or 0)

            if name in ON_CARD:
                run = partial(ON_CARD[name], conditions=conditions)
            else:
                more = {"data": conditions.data} if name == "data" else {}
                more |= {"runtimes": runtimes} if runtimes and name in BESIDE_RUNTIMES else {}
                run = partial(BENCHMARKS[name], **more)
            results[name] = run(peer, repeat, report)
    return results
