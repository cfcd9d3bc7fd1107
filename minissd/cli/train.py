"""`minissd train`: from a data set to a run folder with checkpoints, log and loss curves."""

import signal
from shlex import quote

import typer

from minissd.cli import options, runs
from minissd.cli import train_options as of
from minissd.cli.console import console
from minissd.cli.find_rate import find_rate as find_rate_of
from minissd.cli.splits import scored_split
from minissd.cli.training import start
from minissd.device import device_for
from minissd.errors import MinissdError
from minissd.training import BEST, LAST, join


def train(
    context: typer.Context,
    data: options.Data = "shapes",
    image_folder: options.ImageFolder = None,
    split: options.Split = "train",
    validation: of.Validation = None,
    classes: options.Classes = None,
    limit: options.Limit = None,
    model: of.Model = "ssd-tiny",
    task: of.Tasks = None,
    weights: of.Weights = None,
    input_size: of.InputSize = None,
    batch_norm: of.BatchNorm = None,
    atrous: of.Atrous = None,
    reduced_tail: of.ReducedTail = None,
    boxes: of.Boxes = None,
    anchors: of.Anchors = None,
    sampling: of.Sampling = None,
    width: of.Width = None,
    dropout: of.Dropout = None,
    recipe: of.Recipe = None,
    batch_size: of.BatchSize = None,
    accumulate: of.Accumulate = None,
    lr: of.Lr = None,
    clip: of.Clip = None,
    schedule: of.Schedule = None,
    bias_lr: of.BiasLr = None,
    bias_decay: of.BiasDecay = None,
    freeze: of.Freeze = None,
    trunk_rate: of.TrunkRate = None,
    balance: of.Balance = None,
    augmentation: of.AugmentationName = None,
    negatives: of.Negatives = None,
    epochs: of.Epochs = None,
    steps: of.Steps = None,
    validate_every: of.ValidateEvery = of.DEFAULTS.validate_every,
    metric: of.Metric = None,
    patience: of.Patience = None,
    seed: options.Seed = of.DEFAULTS.seed,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    precision: options.Precision = of.DEFAULTS.precision,
    workers: options.Workers = of.DEFAULTS.workers,
    out: of.Out = None,
    log: of.Log = None,
    resume: of.Resume = False,
    find_rate: of.FindRate = False,
):
    """Train a detector, a classifier, a U-Net, whatever --model is, and leave a run folder.

    Your own images are a VOC tree (Annotations/ID.xml, JPEGImages/ID.jpg, and one ID a line in
    ImageSets/Main/train.txt; or XML files beside images), a COCO JSON, a YOLO folder or its data.yaml, or for --task
    classify a folder for each class.  For --model unet the tree has masks: SegmentationClass/ID.png, whose pixels are 0
    for background and 1, 2, ... for the classes.

    `mpiexec -n 4 minissd train ...` shares every batch out among four processes, each on a GPU of its own if there
    are several; the first one writes the run folder.
    """
    processes = join()
    if processes.rank > 0:  # process 0 speaks for all, and ends all after Ctrl-C when it has saved
        console.quiet = True
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
    out = out or runs.folder_for(data)
    values = context.params | {"classes": options.parse_classes(classes)}
    typed = {name for name in values if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"}
    given = {name: value for name, value in values.items() if name in typed}
    settings = runs.stored_settings(out, given) if resume else runs.new_settings(out, values)
    if find_rate:
        if resume:
            raise MinissdError("--find-rate is for the rate of a new run: leave --resume out")
        words = _words(context, typed - {"find_rate", "lr"})
        find_rate_of(out, settings, device_for(device, processes.place), processes, words)
        return
    sets = start(out, settings, device_for(device, processes.place), resume, processes)
    if processes.rank == 0:
        console.print(f"run folder: {out}", markup=False, soft_wrap=True)
        console.print(f"next: {_next_command(out, settings, *sets)}", markup=False, soft_wrap=True)


def _words(context, names):
    """The command with those of its options that have these names."""
    words = ["minissd", "train"]
    for option in context.command.params:
        if option.name in names:
            value = context.params[option.name]
            flag = isinstance(value, bool)
            words.append((option.opts if value or not flag else option.secondary_opts)[0])
            words += [] if flag else [str(getattr(value, "value", value))]
    return words


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
