"""The settings of a training run; config.json holds them as they are here."""

from dataclasses import dataclass

from minissd.errors import MinissdError
from minissd.training.schedule import SCHEDULES


@dataclass(frozen=True)
class TrainConfig:
    epochs: int = 50
    batch_size: int = 16
    lr: float = 0.02  # the highest rate of the schedule
    schedule: str = "one-cycle"
    warmup: float = 0.2  # part of all steps
    momentum: float = 0.9
    weight_decay: float = 5e-4
    alpha: float = 1.0  # weight of the localization loss
    seed: int = 0
    workers: int = 2  # threads that prepare batches ahead
    validate_every: int = 5  # epochs

    def __post_init__(self):
        at_least_one = {"epochs": self.epochs, "batch-size": self.batch_size, "validate-every": self.validate_every}
        for name, value in at_least_one.items():
            if value < 1:
                raise MinissdError(f"--{name} is {value}: it must be at least 1")
        if not 0 < self.lr < float("inf"):
            raise MinissdError(f"--lr is {self.lr}: it must be a positive number")
        if not 0 <= self.warmup < 1:
            raise MinissdError(f"warmup is {self.warmup}: it is a part of all steps, at least 0 and below 1")
        if self.schedule not in SCHEDULES:
            raise MinissdError(f"--schedule {self.schedule!r} is not known: choose one of {', '.join(SCHEDULES)}")

    def learning_rate(self, step, total):
        """The rate of step `step` (from 0) out of `total`."""
        return SCHEDULES[self.schedule](step, total, self.lr, max(1, round(self.warmup * total)))
