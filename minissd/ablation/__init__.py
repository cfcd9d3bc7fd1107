"""Ablations: what the SSD paper claims (Liu et al. 2016, section 3.2), and choices of our own recipe, tried out at
small scale with several seeds.

An experiment trains a few variants of one small detector that differ in one thing, each from the same seeds on the same
images with the same budget, and compares their scores with the spread over the seeds.
"""

from minissd.ablation.atrous import time_fc6
from minissd.ablation.data import InMemory, open_pair
from minissd.ablation.experiments import EXPERIMENTS, Experiment, Variant
from minissd.ablation.outcome import Outcome, Verdict, outcome_of_times, outcome_of_training
from minissd.ablation.runs import Budget, Study

__all__ = [
    "EXPERIMENTS",
    "Budget",
    "Experiment",
    "InMemory",
    "Outcome",
    "Study",
    "Variant",
    "Verdict",
    "open_pair",
    "outcome_of_times",
    "outcome_of_training",
    "time_fc6",
]
