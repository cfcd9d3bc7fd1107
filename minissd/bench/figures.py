"""What a benchmark measured: the figures of both sides and what is required of ours."""

from dataclasses import dataclass
from statistics import median

MINISSD = "minissd"  # the name of our side; every other side is PyTorch's


@dataclass(frozen=True)
class Figure:
    """One piece of work, measured on each side.

    runs: side -> its measured values, in `unit` ("ms" or "MiB"; less is better).  The sides of PyTorch are its
    memory formats, and the better one stands for it.  limit: the most that ours / PyTorch's may be, None for no limit.
    """

    work: str
    unit: str
    runs: dict[str, list[float]]
    limit: float | None = None

    @property
    def ours(self):
        return median(self.runs[MINISSD])

    @property
    def peer(self):
        """(value, side) of PyTorch at its best, or (None, None) if it was not there."""
        sides = [(median(values), side) for side, values in self.runs.items() if side != MINISSD]
        return min(sides, default=(None, None))

    @property
    def ratio(self):
        """Ours / PyTorch's: below 1 we need less of the unit."""
        value, _ = self.peer
        return None if value is None else self.ours / value

    @property
    def reached(self):
        """Whether the limit is kept; None where there is nothing to compare."""
        return None if self.ratio is None or self.limit is None else self.ratio <= self.limit

    def as_dict(self):
        """The figure as it stands in a record."""
        value, side = self.peer
        return {
            "work": self.work,
            "unit": self.unit,
            "minissd": self.ours,
            "pytorch": value,
            "pytorch_memory_format": side,
            "minissd_over_pytorch": self.ratio,
            "required_at_most": self.limit,
            "reached": self.reached,
            "runs": self.runs,
        }
