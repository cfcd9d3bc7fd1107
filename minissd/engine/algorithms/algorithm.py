"""What an algorithm of `conv2d` is.  Each is an object in a file of its own; how to add one is in CONTRIBUTING.md."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from minissd.engine.cpu.threads import threads_for
from minissd.engine.tuning import tuning_in_force
from minissd.ops.windows import Windows


class Work(NamedTuple):
    """What takes time in a pass; the tuning says how many nanoseconds each takes, see `minissd.engine.tuning.Cost`."""

    calls: float  # of array functions, roughly
    products: float  # multiply-adds
    numbers: float  # of maps, patches or transformed tiles that are written
    pieces: float  # short runs of neighbouring numbers that are copied or added one by one
    weights: float  # numbers of kernels that are prepared for products
    shares: int | None = None  # how many threads can have a part of it; None: any number

    def times(self, factor: int) -> "Work":
        calls, products, numbers, pieces, weights = (factor * count for count in self[:-1])
        return Work(calls, products, numbers, pieces, weights, self.shares)

    def threads(self, algorithm: str, xp: Any) -> int:
        """Among how many to share it: as `threads_for`, and what is moved counts as well, for as many multiply-adds as
        take the algorithm as long."""
        cost = tuning_in_force().costs[algorithm]
        moving = self.numbers * cost.number + self.pieces * cost.piece
        return threads_for(int(self.products + moving / cost.product), xp)


def unchanged(part: Any) -> None:
    """The `finish` of a convolution behind which nothing follows at once."""


@dataclass(frozen=True)
class Algorithm:
    """One way to compute a convolution and its gradients.  The results of all differ only in rounding.

    N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.
    """

    name: str  # what `algorithm=` asks for
    purpose: str  # the geometries that it supports, in words
    supports: Callable[[Windows], bool]
    forward_work: Callable[[Windows, int], Work]  # (windows, D)
    gradients_work: Callable[[Windows, int, bool], Work] | None  # (windows, D, need_dx); None: they are another's
    # forward(x, w, b, windows, finish[, kept])  ->  y (N, OH, OW, D);  x (N, H, W, C), w (KH, KW, C, D), b (D,) or None
    # finish(part) changes every part of y in place, once it is there
    forward: Callable[..., Any]
    # gradients(dy, x, w, windows, need_dx)  ->  dx (N, H, W, C), or None unless need_dx, and dw (KH, KW, C, D): one
    # function for both, which share patches and transforms; dy (N, OH, OW, D) is contiguous
    gradients: Callable[[Any, Any, Any, Windows, bool], Any]
    keeps: bool = False  # whether forward takes `kept`, as for `conv2d`

    def cost(self, windows: Windows, filters: int, need_dx: bool | None = None, threads: int = 1) -> float:
        """Estimated microseconds of the forward pass or, where need_dx is given, of the gradients.  filters: D.

        Infinite for gradients that are those of another algorithm.
        """
        if need_dx is None:
            *items, shares = self.forward_work(windows, filters)
        elif self.gradients_work is None:
            return math.inf
        else:
            *items, shares = self.gradients_work(windows, filters, need_dx)
        nanoseconds = sum(count * each for count, each in zip(items, tuning_in_force().costs[self.name], strict=True))
        return nanoseconds / 1000 / min(threads, shares or threads)
