"""The default boxes of one detection map of an SSD, the same in every cell around its centre.

A `MapSpec` makes them from a scale and aspect ratios (Liu et al. 2016, SSD, section 2.2), in this order:

    s  and  s' = sqrt(s_l * s_{l+1})            two squares
    s * sqrt(r), s / sqrt(r)                    for each ratio r: one wide box (w / h = r) ...
    s / sqrt(r), s * sqrt(r)                    ... and one tall box (1 / r)

A `ShapedMap` has them as they are given: those that fit the objects of a data set, say (fitting.py).
"""

from dataclasses import dataclass
from math import inf, sqrt

MOST_SHAPES = 24  # in one cell
LARGEST_SIDE = 10  # in sides of the image


class _Cells:
    """What the two kinds of maps make of their `size` and their `shapes`."""

    @property
    def boxes_per_cell(self):
        return len(self.shapes)

    @property
    def boxes(self):
        return self.size[0] * self.size[1] * self.boxes_per_cell


@dataclass(frozen=True)
class MapSpec(_Cells):
    """The default boxes of one detection map, from a scale and aspect ratios."""

    size: tuple[int, int]  # rows, columns
    scale: float  # s_l: side of the first square, as a fraction of the input
    next_scale: float | None  # s_{l+1}; None: there is no second square
    ratios: tuple[float, ...]  # besides 1; each stands for itself and its reciprocal
    step: float | None = None  # input pixels between two cells; None: the cells share the input evenly

    def __post_init__(self):
        optional = [length for length in (self.next_scale, self.step) if length is not None]
        lengths = (self.scale, *self.ratios, *optional)
        if len(self.size) != 2 or min(self.size) < 1 or not all(0 < length < inf for length in lengths):
            raise ValueError(f"a map has at least one row and column, and positive scales, ratios and step, got {self}")

    @property
    def shapes(self) -> tuple[tuple[float, float], ...]:
        """(w, h) of the boxes of one cell, in the order stated at the top."""
        shapes = [(self.scale, self.scale)]
        if self.next_scale is not None:
            extra = sqrt(self.scale * self.next_scale)  # sqrt(s_l s_{l+1})
            shapes += [(extra, extra)]
        for ratio in self.ratios:
            long, short = self.scale * sqrt(ratio), self.scale / sqrt(ratio)
            shapes += [(long, short), (short, long)]
        return tuple(shapes)


@dataclass(frozen=True)
class ShapedMap(_Cells):
    """The default boxes of one detection map, by their widths and heights."""

    size: tuple[int, int]  # rows, columns
    shapes: tuple[tuple[float, float], ...]  # (w, h) of the boxes of one cell, in sides of the image
    step: float | None = None  # as of a `MapSpec`

    def __post_init__(self):
        sides = [side for shape in self.shapes for side in shape]
        right = len(sides) == 2 * len(self.shapes) and all(0 < side < LARGEST_SIDE for side in sides)
        if not 1 <= len(self.shapes) <= MOST_SHAPES or not right:
            raise ValueError(
                f"a map takes 1 to {MOST_SHAPES} shapes (w, h), each side in parts of the image, got {self.shapes}"
            )
