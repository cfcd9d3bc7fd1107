"""The progress of a training run on the command line."""

from minissd.cli.console import console
from minissd.training.progress import Terminal, TrainingProgress


def training_progress(config, metric, done):
    """What `minissd train` gives `train` as its report.  done: steps before, in a resumed run."""
    return TrainingProgress(config, metric, done, Terminal("images", console))
