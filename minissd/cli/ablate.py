"""`minissd ablate`: what the SSD paper claims, and choices of our recipe, tried out in minutes, with several seeds."""

import shlex
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from minissd.ablation import EXPERIMENTS, Budget, Study, open_pair, outcome_of_times, outcome_of_training, time_fc6
from minissd.bench.record import available_cores, blas_threads, cpu_model, load_average, versions
from minissd.cli import options
from minissd.cli.ablate_tables import print_outcomes, verdict_line
from minissd.cli.console import console, print_notes, progress_bar
from minissd.device import resolve_device
from minissd.errors import MinissdError
from minissd.files import check_writable, write_json

DEFAULTS = Budget()


def ablate(
    experiments: Annotated[
        list[str] | None,
        typer.Argument(
            help="Which of them; all unless given.", metavar="EXPERIMENT", callback=options.each_of(EXPERIMENTS)
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Say what there is, and stop.")] = False,
    seeds: Annotated[int, typer.Option(help="Runs of each variant, from the seeds 0, 1, ...", min=1)] = 3,
    data: Annotated[
        str, typer.Option(help="shapes (generated), or with splits train and test or val: a VOC tree, a COCO folder.")
    ] = DEFAULTS.data,
    limit: Annotated[int, typer.Option(help="Images to train on: few, for these are small trainings.", min=1)] = (
        DEFAULTS.limit
    ),
    input_size: Annotated[int, typer.Option(help="Side of the square the network reads.", min=32)] = (
        DEFAULTS.input_size
    ),
    epochs: Annotated[int | None, typer.Option(help=f"Passes over the images; {DEFAULTS.epochs} unless given.")] = None,
    steps: Annotated[int | None, typer.Option(help="Updates in all, in place of epochs.")] = None,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    out: Annotated[
        Path, typer.Option(help="Folder for results and pictures; runs in it are not repeated.", metavar="DIR")
    ] = Path("runs/ablate"),
):
    """Try out what the SSD paper claims, and choices of our recipe: train variants that differ in one thing, from
    several seeds each.

    Claims are held against the spread from run to run.  A run that --out holds already, of the same settings, is not
    repeated: after a stop, the same command goes on.  The times of `atrous` are those of the CPU, whatever the device.
    """
    if show:
        print_list()
        return
    if epochs is not None and steps is not None:
        raise MinissdError("--epochs and --steps both say when to stop: give one of them")
    names = list(dict.fromkeys(experiments or EXPERIMENTS))
    check_writable(out)
    epochs = DEFAULTS.epochs if epochs is None else epochs
    budget = Budget(data, limit, input_size, epochs, steps, resolve_device(device))
    budget.check()
    outcomes = measure(names, budget, range(seeds), out)
    print_outcomes(outcomes)
    write_json(out / "ablation.json", record_of(outcomes, budget, seeds))
    draw(outcomes, out)
    console.print(f"ablation.json and a picture of each experiment: {out}", markup=False, soft_wrap=True)


def print_list():
    for name, experiment in EXPERIMENTS.items():
        console.print(f"[bold]{name:12}[/]  {experiment.claim}")
        for better, worse in experiment.comparisons:
            console.print(f"{'':14}{better} / {worse}", markup=False, soft_wrap=True)


def measure(names, budget, seeds, out):
    """The Outcome of each experiment, in the order of `names`."""
    trained = [name for name in names if EXPERIMENTS[name].variants]
    results = train_all(trained, budget, seeds, out) if trained else {}
    return [
        outcome_of_training(name, EXPERIMENTS[name], results[name])
        if name in results
        else outcome_of_times(name, EXPERIMENTS[name], time_all(len(seeds)))
        for name in names
    ]


def train_all(names, budget, seeds, out):
    """{experiment: {variant: [result of each seed]}}; a run that several experiments need is done once."""
    training, test = open_pair(budget.data, budget.limit, budget.input_size)
    images = f"{len(training)} images to train on, {len(test)} of {test.split} to score"
    console.print(f"{training.name}: {images}", markup=False, soft_wrap=True)
    print_notes(training)
    study = Study(budget, training, test, out / "runs")
    runs = {(variant, seed) for name in names for variant in EXPERIMENTS[name].variants.values() for seed in seeds}
    total = sum(study.steps(variant) for variant, seed in runs if study.kept(variant, seed) is None)
    results = {name: {variant: [] for variant in EXPERIMENTS[name].variants} for name in names}
    with progress_bar("steps") as bar:
        task = bar.add_task("", total=total, speed=0, note="")

        def report(record, _steps):
            bar.update(task, advance=1, note=f"loss {record['loss']:.2f}", speed=bar.tasks[task].speed or 0)

        try:
            for name in names:
                for variant, details in EXPERIMENTS[name].variants.items():
                    for seed in seeds:
                        bar.update(task, description=f"{name}, {variant}, seed {seed}")
                        results[name][variant].append(study.run(details, seed, report))
        except KeyboardInterrupt:
            console.print("stopped; finished runs are kept: the same command goes on")
            raise
    return results


def time_all(runs):
    with progress_bar("rounds") as bar:
        task = bar.add_task("atrous", total=None, speed=0, note="")
        return time_fc6(runs, lambda done, total: bar.update(task, completed=done, total=total))


def record_of(outcomes, budget, seeds):
    """What ablation.json holds: figures are worth nothing without the machine, the versions and the command."""
    return {
        "command": shlex.join(["minissd", *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": cpu_model(),
            "cores": available_cores(),
            "threads": blas_threads(),
            "load_after": load_average(),
        },
        "versions": versions(),
        "settings": {**asdict(budget), "seeds": seeds},
        "experiments": {outcome.name: outcome.as_dict() for outcome in outcomes},
    }


def draw(outcomes, out):
    """A picture of each experiment, out/EXPERIMENT.png."""
    from minissd.viz.ablation import runs_chart  # matplotlib is slow to import
    from minissd.viz.style import save_picture

    for outcome in outcomes:
        lines = [verdict_line(verdict, outcome.unit) for verdict in outcome.verdicts]
        chart = runs_chart(outcome.values, outcome.spreads, outcome.unit, outcome.claim, lines)
        save_picture(chart, out / f"{outcome.name}.png")
