"""The options of `minissd train`, in the groups of its --help; those that other commands have too: options.py."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from minissd.cli import options
from minissd.data import PRESETS
from minissd.detection import NEGATIVES
from minissd.models import MODELS
from minissd.models.ssd_tiny import SAMPLINGS
from minissd.training import RECIPES, SCHEDULES, TrainConfig
from minissd.training.log_formats import FORMATS

DEFAULTS = TrainConfig()
NETWORK, LEARNING, LENGTH, RUN = "Network", "Learning", "Length and validation", "Run folder"
UNLESS = "the recipe's unless given"


class Task(StrEnum):
    detect = "detect"
    classify = "classify"


def _of(group, *words, **settings):
    return typer.Option(*words, rich_help_panel=group, **settings)


# Data
Validation = Annotated[
    str | None,
    _of(options.DATA, help='Split to score, but for images of --split; "val" if there is one; "none": none.'),
]

# Network
Model = Annotated[str, _of(NETWORK, help=f"One of {', '.join(MODELS)}.")]
Tasks = Annotated[
    Task | None, _of(NETWORK, help="classify: train the trunk of a detector on folders of images, one a class.")
]
Weights = Annotated[
    str | None, _of(NETWORK, help="Trained weights to start from (.pth, .npz, .safetensors).", metavar="FILE")
]
InputSize = Annotated[
    int | None, _of(NETWORK, help="Side of the square the network reads, where it can be chosen.", min=64)
]
BatchNorm = Annotated[
    bool | None, _of(NETWORK, "--batch-norm/--no-batch-norm", help=f"In the VGG16 networks; {UNLESS}.")
]
Atrous = Annotated[
    bool | None, _of(NETWORK, "--atrous/--no-atrous", help="ssd300-vgg16: fc6 spread, or the whole VGG16.")
]
ReducedTail = Annotated[
    bool | None,
    _of(
        NETWORK,
        "--reduced-tail/--no-reduced-tail",
        help="ssdlite320-mobilenet-v3: half of the channels at the end of the trunk, or all, as a trunk trained on "
        "ImageNet has; that of --weights unless given.",
    ),
]
Boxes = Annotated[
    str | None,
    _of(
        NETWORK,
        help="Default boxes: own; fit, of shapes that fit the objects (`minissd doctor DATA` shows what it brings); of "
        "ssd300-vgg16 caffe, ssd.pytorch or torchvision; of ssd300-mobilenet also caffe.",
    ),
]
Anchors = Annotated[
    bool | None, _of(NETWORK, "--anchors/--no-anchors", help="In yolo-tiny: boxes relative to anchor boxes.")
]
Sampling = Annotated[
    str | None, _of(NETWORK, help=f"How ssd-tiny and its relatives halve their maps: {' or '.join(SAMPLINGS)}.")
]
Width = Annotated[int | None, _of(NETWORK, help="In unet: channels of the first map, 12 unless given.", min=1)]
Dropout = Annotated[
    float | None,
    _of(NETWORK, help="In mlp and lenet5: share of the hidden units left out in a step.", min=0, max=0.95),
]

# Learning
Recipe = Annotated[
    str | None,
    _of(LEARNING, help=f"Settings that belong together: {', '.join(RECIPES)}; the model's own unless given."),
]
BatchSize = Annotated[int | None, _of(LEARNING, help=f"Images at a time, on all processes together; {UNLESS}.", min=1)]
Accumulate = Annotated[
    int | None, _of(LEARNING, help="Parts in which a batch is processed, for one larger than the memory.")
]
Lr = Annotated[
    float | None,
    _of(LEARNING, help="Highest learning rate; if not given the recipe's, in proportion to --batch-size."),
]
Clip = Annotated[
    float | None, _of(LEARNING, help=f"Longest gradient, longer ones are shortened to it; 0: any; {UNLESS}.")
]
Schedule = Annotated[str | None, _of(LEARNING, help=f"{' or '.join(SCHEDULES)}; {UNLESS}.")]
BiasLr = Annotated[float | None, _of(LEARNING, help="Learning rate of the biases, in rates of the weights.")]
BiasDecay = Annotated[
    bool | None, _of(LEARNING, "--bias-decay/--no-bias-decay", help="Whether weight decay holds for biases.")
]
Freeze = Annotated[
    str | None,
    _of(
        LEARNING,
        help="Layers that stay as they are: trunk, or names separated by commas, of a stage or a layer; a wrong one "
        "brings the list.",
        metavar="NAMES",
    ),
]
TrunkRate = Annotated[
    float | None, _of(LEARNING, help="Learning rate of the trunk, in rates of the rest: 0.1 for one trained before.")
]
Balance = Annotated[
    bool | None,
    _of(LEARNING, "--balance/--no-balance", help="Draw images that show rare classes more often."),
]
AugmentationName = Annotated[
    str | None,
    _of(LEARNING, help=f"How images are varied: {', '.join(PRESETS)}; ssd is the SSD paper's; {UNLESS}."),
]
Negatives = Annotated[
    str | None,
    _of(
        LEARNING,
        help="Background boxes an SSD learns from. paper: three for each matched box of an image, so none of an "
        f"image without objects; every-image: {3 * NEGATIVES['every-image']} of such an image; {UNLESS}.",
    ),
]

# Length and validation
Epochs = Annotated[
    int | None,
    _of(LENGTH, help=f"Passes over the images; {UNLESS}, and on a small set as many as make 1,000 updates."),
]
Steps = Annotated[int | None, _of(LENGTH, help="Updates in all, in place of epochs.")]
ValidateEvery = Annotated[int, _of(LENGTH, help="Epochs between two validations.")]
Metric = Annotated[
    str | None,
    _of(LENGTH, help=f"Whose mAP tells a detector's best checkpoint: {options.METRICS}.", show_default="voc07"),
]
Patience = Annotated[
    int | None,
    _of(
        LENGTH, help="Stop after so many validations in a row without a higher score; best.safetensors is kept.", min=1
    ),
]

# Run folder
Out = Annotated[Path | None, _of(RUN, help="Run folder; runs/DATA unless given.", metavar="DIR")]
Log = Annotated[
    str | None,
    _of(RUN, help=f"The log as others read it, beside log.jsonl: {' or '.join(FORMATS)}, or both with a comma."),
]
Resume = Annotated[bool, _of(RUN, "--resume", help="Go on with the run in --out.")]
FindRate = Annotated[
    bool,
    _of(
        LEARNING,
        "--find-rate",
        help="In place of a training, a hundred steps at growing rates: rate.png, and the command with the best.",
    ),
]
