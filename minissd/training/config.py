"""The settings of a training run; config.json holds them as they are here."""

import math
from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real
from typing import get_args

from minissd.data import PRESETS
from minissd.data.augmentation import preset_name
from minissd.detection import NEGATIVES
from minissd.device.card import PRECISIONS
from minissd.errors import MinissdError
from minissd.metrics.boxes import metric_name
from minissd.training.log_formats import format_names
from minissd.training.schedule import SCHEDULES

# What older runs say nothing of, as they had it.
ADDED_LATER = {
    "precision": "fp32",
    "negatives": "paper",
    "image_folder": None,
    "freeze": None,
    "trunk_rate": 1.0,
    "metric": "voc07",
    "log": None,
    "balance": False,
    "clip": 0,
    "least_steps": 0,
    "patience": None,
}
SAME_NUMBERS = ("workers", "log")  # what a resumed run may do otherwise and still give the same numbers
OF_A_LOSS = ("negatives",)  # what only models that name it in `loss_settings` look at
# And from Python, on purpose; with other epochs or steps the schedule is of the new length.
AT_WILL = ("epochs", "steps", "least_steps", "validate_every", "patience")
_KINDS = {int: Integral, float: Real, bool: int}  # NumPy's numbers are welcome, too
RATE_OF_AN_IMAGE = 0.02 / 16  # the highest rate, unless it is given, for each image of a batch


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run.  Each has a default and, with dashes for underscores, its name on the command
    line, where `minissd train --help` explains it.

    Raises MinissdError for values out of range and names that are not known.
    """

    epochs: int = 40
    steps: int | None = None  # updates in all, in place of epochs
    least_steps: int = 0  # updates in all at least, where the epochs of a small set make fewer
    batch_size: int = 16
    accumulate: int = 1  # parts in which a batch is processed, for a batch larger than the memory
    # the highest rate of the schedule; unless given in proportion to the batch, 0.02 for 16 images
    lr: float = None  # type: ignore[assignment]
    schedule: str = "one-cycle"
    warmup: float = 0.1  # part of all steps
    clip: float = 10  # the largest norm of the gradient, longer ones are shortened to it; 0: any
    momentum: float = 0.9
    weight_decay: float = 5e-4
    bias_lr: float = 1.0  # the rate of the biases, in rates of the weights
    bias_decay: bool = True  # whether weight decay holds for biases
    freeze: str | None = None  # layers that stand still, as `minissd.models.freezing.frozen` takes their names
    trunk_rate: float = 1.0  # the rate of the trunk, in rates of all else
    augmentation: str = "medium"  # a name in minissd.data.PRESETS
    negatives: str = "every-image"  # the background boxes an SSD learns from, a name in minissd.detection.NEGATIVES
    seed: int = 0
    precision: str = "fp32"  # of matrix products on a GPU, a name in minissd.device.card.PRECISIONS
    workers: int = 2  # threads that prepare batches ahead
    validate_every: int = 5  # epochs
    metric: str = "voc07"  # what a detector's validation is scored by, a name in minissd.metrics.METRICS
    balance: bool = False  # draw images of rare classes more often, as balance.py says
    log: str | None = None  # formats of the log beside log.jsonl: csv, tensorboard, or both with a comma
    patience: int | None = None  # stop after so many validations in a row without a higher score

    def __post_init__(self):
        for one in fields(self):
            value, kinds = getattr(self, one.name), get_args(one.type) or (one.type,)
            if value is not one.default and not isinstance(value, tuple(_KINDS.get(kind, kind) for kind in kinds)):
                kind = "text" if str in kinds else "a number"
                raise MinissdError(f"--{one.name.replace('_', '-')} is {value!r:.60}: it must be {kind}")
        object.__setattr__(self, "augmentation", preset_name(self.augmentation))  # the class is frozen
        object.__setattr__(self, "metric", metric_name(self.metric))
        format_names(self.log)
        if self.lr is None:
            object.__setattr__(self, "lr", RATE_OF_AN_IMAGE * self.batch_size)
        least = {"epochs": 1, "batch_size": 1, "accumulate": 1, "validate_every": 1, "workers": 0, "seed": 0}
        least |= {name: 1 for name in ("steps", "patience") if getattr(self, name) is not None}
        for name, bound in least.items():
            value = getattr(self, name)
            if value < bound:
                raise MinissdError(f"--{name.replace('_', '-')} is {value}: it must be at least {bound}")
        if self.accumulate > self.batch_size:
            raise MinissdError(
                f"--accumulate {self.accumulate} is more than the {self.batch_size} images of a batch: "
                "choose fewer parts or a larger --batch-size"
            )
        for name in ("lr", "bias_lr", "trunk_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise MinissdError(f"--{name.replace('_', '-')} is {getattr(self, name)}: it must be a positive number")
        if not 0 <= self.clip < math.inf:
            raise MinissdError(f"--clip is {self.clip}: it must be a positive number, or 0 for gradients of any norm")
        if not 0 <= self.warmup < 1:
            raise MinissdError(f"warmup is {self.warmup}: it is a part of all steps, at least 0 and below 1")
        names = {"schedule": SCHEDULES, "augmentation": PRESETS, "negatives": NEGATIVES, "precision": PRECISIONS}
        for name, known in names.items():
            value = getattr(self, name)
            if value not in known:
                raise MinissdError(f"--{name} {value!r} is not known: choose one of {', '.join(known)}")

    def total_steps(self, per_epoch: int) -> int:
        """Updates of the whole run, where an epoch has `per_epoch` batches."""
        return self.steps or max(self.epochs * per_epoch, self.least_steps)

    def learning_rate(self, step: int, total: int) -> float:
        """The rate of step `step` (from 0) out of `total`."""
        return SCHEDULES[self.schedule](step, total, self.lr, max(1, round(self.warmup * total)))


def in_present_names(settings):
    """The settings of a run, a dict, with the names that what they choose has today."""
    present = {"augmentation": preset_name, "metric": metric_name}
    names = {name: present[name](settings[name]) for name in settings.keys() & present.keys()}
    return settings | names


def check_same_config(began, config, model):
    """MinissdError if the run of a model is to go on with other settings than those it `began` with, a dict."""
    began = ADDED_LATER | in_present_names(began or {})
    free = {*SAME_NUMBERS, *AT_WILL} | (set(OF_A_LOSS) - set(model.loss_settings))
    for name, value in asdict(config).items():
        before = began.get(name, value)
        if before != value and name not in free:
            raise MinissdError(
                f"{name} is {value!r}, but the run began with {before!r}: go on with that, or start a new run from its "
                "weights in another folder"
            )
