"""`minissd train`: from a data set to a run folder with checkpoints, log and loss curves."""

from pathlib import Path
from typing import Annotated

import typer

from minissd.backend import resolve_device
from minissd.cli import options, runs
from minissd.cli.console import console
from minissd.data import PRESETS
from minissd.models import MODELS
from minissd.training import BEST, LAST, SCHEDULES, TrainConfig

DEFAULTS = TrainConfig()


def train(
    context: typer.Context,
    data: options.Data = "shapes",
    split: Annotated[str, typer.Option(help="Images to train on: a name in ImageSets/Main.")] = "train",
    validation: Annotated[
        str | None,
        typer.Option(help='Images to score every few epochs; "val" unless it overlaps --split; "none" for none.'),
    ] = None,
    classes: options.Classes = None,
    limit: options.Limit = None,
    model: Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")] = "ssd-tiny",
    input_size: Annotated[int, typer.Option(help="Side of the square the network reads, in pixels.", min=64)] = 240,
    epochs: Annotated[int, typer.Option(help="Passes over the images.")] = DEFAULTS.epochs,
    batch_size: options.BatchSize = DEFAULTS.batch_size,
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = DEFAULTS.lr,
    schedule: Annotated[str, typer.Option(help=f"{' or '.join(SCHEDULES)}.")] = DEFAULTS.schedule,
    augmentation: Annotated[
        str, typer.Option(help=f"How images are varied: {', '.join(PRESETS)}; notes is the SSD paper's.")
    ] = DEFAULTS.augmentation,
    validate_every: Annotated[int, typer.Option(help="Epochs between two validations.")] = DEFAULTS.validate_every,
    seed: options.Seed = DEFAULTS.seed,
    device: options.Device = "auto",
    workers: options.Workers = DEFAULTS.workers,
    out: Annotated[Path | None, typer.Option(help="Run folder; runs/DATA unless given.", metavar="DIR")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
):
    """Train a detector and leave a run folder.

    Your own images are a VOC tree: Annotations/ID.xml, JPEGImages/ID.jpg, and one ID a line in
    ImageSets/Main/train.txt.
    """
    out = out or Path("runs") / Path(data).resolve().name
    values = context.params | {"classes": options.parse_classes(classes)}
    given = {name: value for name, value in values.items() if context.get_parameter_source(name).name == "COMMANDLINE"}
    settings = runs.stored_settings(out, given) if resume else runs.new_settings(out, values)
    held_out = runs.start(out, settings, resolve_device(device), resume)
    checkpoint = out / (LAST if held_out is None else BEST)
    console.print(f"run folder: {out}", markup=False, soft_wrap=True)
    console.print(
        f"next: minissd evaluate --checkpoint {checkpoint} --data {settings['data']} --split test",
        markup=False,
        soft_wrap=True,
    )
