"""What an experiment gave: mean and spread of each variant, and whether the claim is seen in them."""

from dataclasses import dataclass
from math import isnan, nan, sqrt
from statistics import fmean
from typing import NamedTuple

import numpy as np

from minissd.detection.object_sizes import SIZES

LEARNED = 0.05  # mAP below which a variant has learned nothing that could be compared

SUPPORTED, NOT_SEEN, OPPOSITE = "supported", "not seen here", "the opposite is seen"
ONE_SEED, TOO_SHORT, NO_OBJECTS = "one run has no spread", "nothing learned: train longer", "no such objects"


class Verdict(NamedTuple):
    """One comparison of a claim."""

    better: str  # by the claim
    worse: str
    difference: float  # of the means; positive is what the claim says
    spread: float  # of this difference, from one run to the next
    word: str


@dataclass(frozen=True)
class Outcome:
    """name: of the experiment; unit: "mAP" or "ms"; values: {variant: [a value for each run]}; recalls: likewise, empty
    for times; boxes: {variant: number of default boxes}; comparisons: as `Experiment` has them."""

    name: str
    claim: str
    unit: str
    values: dict
    comparisons: tuple
    recalls: dict
    boxes: dict

    @property
    def spreads(self):
        return {name: spread(values) for name, values in self.values.items()}

    @property
    def verdicts(self):
        return [judge(self.values, *pair, self.unit) for pair in self.comparisons]

    def as_dict(self):
        """The outcome as it stands in ablation.json."""
        variants = {
            name: {
                "mean": fmean(values),
                "spread": self.spreads[name],
                "runs": values,
                "recall": fmean(self.recalls[name]) if self.recalls else None,
                "default_boxes": self.boxes.get(name),
            }
            for name, values in self.values.items()
        }
        verdicts = [verdict._asdict() for verdict in self.verdicts]
        return {"claim": self.claim, "unit": self.unit, "variants": variants, "verdicts": verdicts}


def spread(values):
    """Standard deviation (n - 1) from one run to the next; NaN for a single one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else nan


def judge(values, better, worse, unit):
    """The Verdict on two variants: whether their means differ by more than runs of one variant do.

    The measure is the standard deviation of the difference of two single runs, sqrt(s_1^2 + s_2^2); with few runs a
    difference below it is no evidence of anything.
    """
    ours, theirs = values[better], values[worse]
    difference = fmean(ours) - fmean(theirs)
    if unit == "ms":
        difference = -difference  # less is better
    yardstick = sqrt(spread(ours) ** 2 + spread(theirs) ** 2)
    if isnan(difference):
        word = NO_OBJECTS
    elif unit == "mAP" and max(map(fmean, values.values())) < LEARNED:
        word = TOO_SHORT
    elif min(len(ours), len(theirs)) < 2:
        word = ONE_SEED
    elif difference > yardstick:
        word = SUPPORTED
    else:
        word = OPPOSITE if difference < -yardstick else NOT_SEEN
    return Verdict(better, worse, difference, yardstick, word)


def outcome_of_training(name, experiment, results):
    """Outcome of a trained experiment.  results: {variant: [what `Study.run` gave, for each seed]}."""
    if experiment.by_size:
        (runs,) = results.values()
        scores = {size: [run["sizes"][size] for run in runs] for size in SIZES}
        boxes = {}
    else:
        scores = results
        boxes = {variant: runs[0]["default_boxes"] for variant, runs in results.items()}
    values, recalls = (
        {variant: [nan if one[key] is None else one[key] for one in runs] for variant, runs in scores.items()}
        for key in ("mAP", "recall")
    )
    return Outcome(name, experiment.claim, "mAP", values, experiment.comparisons, recalls, boxes)


def outcome_of_times(name, experiment, times):
    """Outcome of a timed experiment.  times: {variant: [milliseconds]}."""
    return Outcome(name, experiment.claim, "ms", times, experiment.comparisons, {}, {})
