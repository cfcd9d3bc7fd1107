"""The settings of a training run; config.json holds them as they are here."""

from dataclasses import dataclass

from minissd.data import PRESETS
from minissd.errors import MinissdError
from minissd.training.schedule import SCHEDULES


@dataclass(frozen=True)
class TrainConfig:
    epochs: int = 40
    batch_size: int = 16
    lr: float = 0.06  # the highest rate of the schedule
    schedule: str = "one-cycle"
    warmup: float = 0.2  # part of all steps
    momentum: float = 0.9
    weight_decay: float = 5e-4
    alpha: float = 1.0  # weight of the localization loss
    augmentation: str = "light"  # a name in minissd.data.PRESETS
    seed: int = 0
    workers: int = 2  # threads that prepare batches ahead
    validate_every: int = 5  # epochs

    def __post_init__(self):
        for name, least in (("epochs", 1), ("batch_size", 1), ("validate_every", 1), ("workers", 0), ("seed", 0)):
            value = getattr(self, name)
            if value < least:
                raise MinissdError(f"--{name.replace('_', '-')} is {value}: it must be at least {least}")
        if not 0 < self.lr < float("inf"):
            raise MinissdError(f"--lr is {self.lr}: it must be a positive number")
        if not 0 <= self.warmup < 1:
            raise MinissdError(f"warmup is {self.warmup}: it is a part of all steps, at least 0 and below 1")
        for name, known in (("schedule", SCHEDULES), ("augmentation", PRESETS)):
            value = getattr(self, name)
            if value not in known:
                raise MinissdError(f"--{name} {value!r} is not known: choose one of {', '.join(known)}")

    def learning_rate(self, step, total):
        """The rate of step `step` (from 0) out of `total`."""
        return SCHEDULES[self.schedule](step, total, self.lr, max(1, round(self.warmup * total)))
