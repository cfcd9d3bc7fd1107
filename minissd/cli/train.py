"""`minissd train`: from a data set to a run folder with checkpoints, log and loss curves."""

import signal
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from minissd.cli import options, runs
from minissd.cli.console import console
from minissd.cli.splits import scored_split
from minissd.cli.training import start
from minissd.data import PRESETS
from minissd.detection import NEGATIVES
from minissd.device import device_for
from minissd.models import MODELS
from minissd.training import BEST, LAST, RECIPES, SCHEDULES, TrainConfig, join

DEFAULTS = TrainConfig()


class Task(StrEnum):
    detect = "detect"
    classify = "classify"


UNLESS = "the recipe's unless given"


def train(
    context: typer.Context,
    data: options.Data = "shapes",
    image_folder: options.ImageFolder = None,
    split: options.Split = "train",
    validation: Annotated[
        str | None,
        typer.Option(help='Split to score every few epochs, but for images of --split; "val" if there; "none": none.'),
    ] = None,
    classes: options.Classes = None,
    limit: options.Limit = None,
    model: Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")] = "ssd-tiny",
    task: Annotated[
        Task | None, typer.Option(help="classify: train the trunk of a detector on folders of images, one a class.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Trained weights to start from (.pth, .npz, .safetensors).", metavar="FILE")
    ] = None,
    input_size: Annotated[
        int | None,
        typer.Option(help="Side of the square the network reads, where it can be chosen.", min=64),
    ] = None,
    batch_norm: Annotated[
        bool | None, typer.Option("--batch-norm/--no-batch-norm", help=f"In the VGG16 networks; {UNLESS}.")
    ] = None,
    atrous: Annotated[
        bool | None, typer.Option("--atrous/--no-atrous", help="ssd300-vgg16: fc6 spread, or the whole VGG16.")
    ] = None,
    boxes: Annotated[
        str | None, typer.Option(help="Default boxes of ssd300-vgg16: caffe, ssd.pytorch or torchvision.")
    ] = None,
    anchors: Annotated[
        bool | None, typer.Option("--anchors/--no-anchors", help="In yolo-tiny: boxes relative to anchor boxes.")
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="In unet: channels of the first map, 12 unless given.", min=1)
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(help="In mlp and lenet5: share of the hidden units left out in a step.", min=0, max=0.95),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help=f"Settings that belong together: {', '.join(RECIPES)}; the model's own unless given."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help=f"Passes over the images; {UNLESS}.")] = None,
    steps: Annotated[int | None, typer.Option(help="Updates in all, in place of epochs.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(help=f"Images at a time, on all processes together; {UNLESS}.", min=1)
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option(help="Parts in which a batch is worked off, for one larger than the memory.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help=f"Highest learning rate; {UNLESS}.")] = None,
    schedule: Annotated[str | None, typer.Option(help=f"{' or '.join(SCHEDULES)}; {UNLESS}.")] = None,
    bias_lr: Annotated[float | None, typer.Option(help="Learning rate of the biases, in rates of the weights.")] = None,
    bias_decay: Annotated[
        bool | None, typer.Option("--bias-decay/--no-bias-decay", help="Whether weight decay holds for biases.")
    ] = None,
    augmentation: Annotated[
        str | None,
        typer.Option(help=f"How images are varied: {', '.join(PRESETS)}; ssd is the SSD paper's; {UNLESS}."),
    ] = None,
    negatives: Annotated[
        str | None,
        typer.Option(
            help="Background boxes an SSD learns from. paper: three for each matched box of an image, so none of an "
            f"image without objects; every-image: {3 * NEGATIVES['every-image']} of such an image; {UNLESS}."
        ),
    ] = None,
    validate_every: Annotated[int, typer.Option(help="Epochs between two validations.")] = DEFAULTS.validate_every,
    seed: options.Seed = DEFAULTS.seed,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    precision: options.Precision = DEFAULTS.precision,
    workers: options.Workers = DEFAULTS.workers,
    out: Annotated[Path | None, typer.Option(help="Run folder; runs/DATA unless given.", metavar="DIR")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
):
    """Train a detector, a classifier, a U-Net, whatever --model is, and leave a run folder.

    Your own images are a VOC tree (Annotations/ID.xml, JPEGImages/ID.jpg, and one ID a line in
    ImageSets/Main/train.txt; or XML files beside images), a COCO JSON, a YOLO folder or its data.yaml, or for --task
    classify a folder for each class.  For --model unet the tree has masks: SegmentationClass/ID.png, whose pixels are 0
    for background and 1, 2, ... for the classes.

    `mpiexec -n 4 minissd train ...` shares every batch out among four processes, each on a card of its own if there
    are several; the first one writes the run folder.
    """
    processes = join()
    if processes.rank > 0:  # process 0 speaks for all, and ends all after Ctrl-C when it has saved
        console.quiet = True
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
    place = Path(data).resolve()
    out = out or Path("runs") / (place.stem if place.suffix.lower() in (".json", ".yaml", ".yml") else place.name)
    values = context.params | {"classes": options.parse_classes(classes)}
    given = {name: value for name, value in values.items() if context.get_parameter_source(name).name == "COMMANDLINE"}
    settings = runs.stored_settings(out, given) if resume else runs.new_settings(out, values)
    sets = start(out, settings, device_for(device, processes.place), resume, processes)
    if processes.rank == 0:
        console.print(f"run folder: {out}", markup=False, soft_wrap=True)
        console.print(f"next: {_next_command(out, settings, *sets)}", markup=False, soft_wrap=True)


def _next_command(out, settings, dataset, held_out):
    """How to score what was learned: on images that the network has not seen."""
    checkpoint = quote(str(out / (BEST if (out / BEST).exists() else LAST)))
    split = scored_split(settings, dataset, held_out)
    if split:
        data = quote(str(settings["data"]))
        images = f" --images {quote(settings['image_folder'])}" if settings["image_folder"] else ""
        return f"minissd evaluate --checkpoint {checkpoint} --data {data}{images} --split {quote(split)}"
    rest = f"--data OTHER --split SPLIT (no split of {dataset.name} is left that the network has not seen)"
    return f"minissd evaluate --checkpoint {checkpoint} {rest}"
