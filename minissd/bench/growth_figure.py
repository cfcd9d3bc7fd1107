"""How a cost grows with the size of the work."""

from dataclasses import dataclass

import numpy as np

from minissd.bench.figures import SLOPE, Figure, Goal

LINEAR = Goal(SLOPE, 0.15)  # the slope may differ from 1 by so much


@dataclass(frozen=True)
class Growth:
    """The same work at several sizes.

    sizes: as they are shown; amounts: how much work each is, in `unit`s ("image" or "pixel"); figures: the times in ms.
    Time grows as amount^slope; 1 is linear, less means that fixed costs weigh on the small sizes, more that something
    (a cache that overflows) gets worse.
    """

    work: str
    axis: str
    sizes: tuple[int, ...]
    amounts: tuple[int, ...]
    unit: str
    figures: list[Figure]
    goal: Goal = LINEAR

    @property
    def ours(self):
        """ms at every size."""
        return [figure.ours for figure in self.figures]

    @property
    def peer(self):
        """ms at every size of PyTorch at its best there, or None if it was not there."""
        times = [figure.peer[0] for figure in self.figures]
        return None if None in times else times

    @property
    def score(self):
        return self.slope(self.ours)

    @property
    def verdict(self):
        return self.goal.verdict(self.score)

    def slope(self, times):
        """The slope of log(time) against log(amount), by least squares."""
        slope, _ = np.polyfit(np.log(self.amounts), np.log(times), 1)
        return float(slope)

    def per_unit(self, times):
        """Microseconds an image or a pixel at every size."""
        return [1e3 * time / amount for time, amount in zip(times, self.amounts, strict=True)]

    def as_dict(self):
        """The growth as it stands in a record."""
        return {
            "work": self.work,
            "axis": self.axis,
            "sizes": self.sizes,
            "amounts": self.amounts,
            "unit": self.unit,
            "score": self.score,
            "pytorch_slope": self.peer and self.slope(self.peer),
            "goal": self.goal.as_dict(),
            "verdict": self.verdict,
            "figures": [figure.as_dict() for figure in self.figures],
        }
