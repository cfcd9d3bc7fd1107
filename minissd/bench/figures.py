"""What a benchmark measured on each side, and what is asked of it."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from minissd.bench.peer import RUNTIMES

MINISSD = "minissd"  # the name of our side; every other side is a runtime, or a memory format of PyTorch's
PYTORCH = "PyTorch"


class Measure(NamedTuple):
    """What a figure is judged by."""

    title: str
    sign: str
    of: Callable  # (ours, theirs) -> number
    keeps: Callable  # (number, bound) -> bool


def _at_least(value, bound):
    return value >= bound


def _at_most(value, bound):
    return value <= bound


FASTEST = Measure("fastest peer / minissd", ">=", lambda ours, theirs: theirs / ours, _at_least)
SPEED = Measure("PyTorch / minissd", ">=", lambda ours, theirs: theirs / ours, _at_least)
MEMORY = Measure("minissd / PyTorch", "<=", lambda ours, theirs: ours / theirs, _at_most)
OWN_TIME = Measure("minissd alone", "<=", lambda ours, _: ours, _at_most)
OWN_RATE = Measure("minissd alone", ">=", lambda ours, _: ours, _at_least)
SLOPE = Measure("slope", "1 ±", lambda ours, _: ours, lambda slope, bound: abs(slope - 1) <= bound)


class Goal(NamedTuple):
    """The bounds that are asked of a measure: one that has to be kept, and one that would be better still."""

    measure: Measure
    required: float
    stretch: float | None = None

    def verdict(self, value):
        """One of "stretch", "reached", "missed"; None where there is no value."""
        if value is None:
            return None
        if self.stretch is not None and self.measure.keeps(value, self.stretch):
            return "stretch"
        return "reached" if self.measure.keeps(value, self.required) else "missed"

    def as_dict(self):
        sign = self.measure.sign
        return {"of": self.measure.title, "sign": sign, "required": self.required, "stretch": self.stretch}


@dataclass(frozen=True)
class Figure:
    """One piece of work, measured on each side.

    runs: side -> its measured values, in `unit`: "ms" or "MiB", of which less is better, or "images/s" of ours alone.
    The sides of PyTorch are its memory formats, and the better one stands for it; of all other sides the best stands
    for the peer.  operations: floating-point
    operations of the work as it is defined (a multiply-add is two), whatever the algorithm makes of it.
    """

    work: str
    unit: str
    runs: dict[str, list[float]]
    goal: Goal | None = None
    operations: int | None = None

    @property
    def ours(self):
        return median(self.runs[MINISSD])

    @property
    def peer(self):
        """(value, side) of the best of all others, or (None, None) if there was none."""
        return min(self.beside.values(), default=(None, None))

    @property
    def beside(self):
        """{what a peer is called: (value, side)}, each at its best."""
        best = {}
        for side, values in self.runs.items():
            if side != MINISSD:
                name, value = RUNTIMES.get(side, PYTORCH), (median(values), side)
                best[name] = min(value, best.get(name, value))
        return best

    @property
    def score(self):
        """What the goal judges; None without a goal, or where PyTorch is missing and the goal compares with it."""
        theirs, _ = self.peer
        if self.goal is None or (theirs is None and self.goal.measure in (SPEED, FASTEST, MEMORY)):
            return None
        return self.goal.measure.of(self.ours, theirs)

    @property
    def verdict(self):
        return self.goal and self.goal.verdict(self.score)

    def rates(self):
        """(ours, the peer's) in 1e9 operations a second; None for what was not measured."""
        theirs, _ = self.peer
        return tuple(value and self.operations / value / 1e6 for value in (self.ours, theirs))

    def as_dict(self):
        """The figure as it stands in a record."""
        value, side = self.beside.get(PYTORCH, (None, None))
        others = {name: value for name, (value, _) in self.beside.items() if name != PYTORCH}
        return {
            "work": self.work,
            "unit": self.unit,
            "minissd": self.ours,
            "pytorch": value,
            "pytorch_memory_format": side,
            **others,
            "score": self.score,
            "goal": self.goal and self.goal.as_dict(),
            "verdict": self.verdict,
            "operations": self.operations,
            "runs": self.runs,
        }
