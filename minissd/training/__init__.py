"""Training: optimiser, schedules, the loop, checkpoints, evaluation."""

from minissd.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from minissd.training.config import TrainConfig
from minissd.training.evaluate import detect_dataset, evaluate
from minissd.training.log import read_log
from minissd.training.loop import BEST, LAST, train, train_step
from minissd.training.optim import SGD
from minissd.training.schedule import SCHEDULES

__all__ = [
    "BEST",
    "LAST",
    "SCHEDULES",
    "SGD",
    "Checkpoint",
    "TrainConfig",
    "detect_dataset",
    "evaluate",
    "load_checkpoint",
    "read_log",
    "save_checkpoint",
    "train",
    "train_step",
]
