"""Training: optimiser, schedules, the loop, checkpoints, evaluation."""

from minissd.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from minissd.training.config import TrainConfig
from minissd.training.evaluation import evaluate
from minissd.training.log import read_log
from minissd.training.loop import train
from minissd.training.optim import SGD
from minissd.training.parallel import ALONE, Processes, join
from minissd.training.rate_sweep import RateSweep, sweep_rates
from minissd.training.recipes import RECIPES, default_recipe, settings_of
from minissd.training.run import BEST, LAST
from minissd.training.run_folder import checkpoint_of
from minissd.training.schedule import SCHEDULES
from minissd.training.step import train_step
from minissd.training.tasks import answers, task_of

__all__ = [
    "ALONE",
    "BEST",
    "LAST",
    "RECIPES",
    "SCHEDULES",
    "SGD",
    "Checkpoint",
    "Processes",
    "RateSweep",
    "TrainConfig",
    "answers",
    "checkpoint_of",
    "default_recipe",
    "evaluate",
    "join",
    "load_checkpoint",
    "read_log",
    "save_checkpoint",
    "settings_of",
    "sweep_rates",
    "task_of",
    "train",
    "train_step",
]
