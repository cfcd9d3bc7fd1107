"""Benchmarks: what `minissd bench` runs, beside PyTorch where it is installed, in the same run.

A benchmark is a function `run(peer, repeat, report)` that returns a list of `Figure`s or `Growth`s.  It checks its own
outputs before it takes a time, so that no figure comes from wrong or skipped work.  peer: the module `torch_peer`, or
None; those in BESIDE_RUNTIMES also take `runtimes`, as `load_runtimes` gives them.  repeat: how often each side is
timed, what takes seconds a third as often; report(what, done, total): called as the work goes on.  Those of a GPU take
its conditions too.
"""

from minissd.bench import (
    convolution,
    detection,
    growth,
    inference,
    layers,
    on_card,
    preparation,
    real_run,
    ssd300,
    step,
)
from minissd.bench.alone import Watch, check_alone
from minissd.bench.figures import Figure, Goal
from minissd.bench.growth_figure import Growth
from minissd.bench.on_card import Conditions
from minissd.bench.peer import NAMES, load_peer, load_runtimes
from minissd.bench.record import load_average, make_record

BENCHMARKS = {
    "conv": convolution.run,
    "ssd300": ssd300.run,
    "step": step.run,
    "tiny": inference.tiny,
    "mobilenet": inference.mobilenet,
    "ssdlite": inference.ssdlite,
    "detect": detection.run,
    "data": preparation.run,
    "growth": growth.run,
    "layers": layers.run,
}
BESIDE_RUNTIMES = ("ssd300", "tiny", "mobilenet", "ssdlite")
ON_CARD = {  # name -> run(peer, repeat, report, conditions), conditions as in `on_card.Conditions`
    "inference": on_card.inference,
    "training": on_card.training,
    "nms": on_card.nms,
    "run": real_run.run,
}

__all__ = [
    "BENCHMARKS",
    "BESIDE_RUNTIMES",
    "NAMES",
    "ON_CARD",
    "Conditions",
    "Figure",
    "Goal",
    "Growth",
    "Watch",
    "check_alone",
    "load_average",
    "load_peer",
    "load_runtimes",
    "make_record",
]
