"""What became of every tensor of a file, and of every array of the model."""

from collections.abc import Sequence
from typing import NamedTuple

_SHOWN = 3  # names in a line


class Report(NamedTuple):
    """matched: their name -> ours; left_over: their name -> why; untouched: our names that the file did not fill."""

    layout: str
    model: str
    matched: dict[str, str]
    left_over: dict[str, str]
    untouched: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For a person: one line if all went in, else one more for each thing to know."""
        total = len(self.matched) + len(self.left_over)
        lines = [f"{self.layout}: {len(self.matched)} of {total} tensors loaded into {self.model}"]
        for reason in dict.fromkeys(self.left_over.values()):
            names = [name for name, why in self.left_over.items() if why == reason]
            lines.append(f"left over, {reason}: {some(names)}")
        if self.untouched:
            lines.append(f"as they were in {self.model}: {some(self.untouched)}")
        return [*lines, *self.notes]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def some(names: Sequence[str], shown: int = _SHOWN) -> str:
    """A few of the names, and how many more there are."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
