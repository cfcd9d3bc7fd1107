"""A learning rate that goes up once and comes down once."""

import math


def one_cycle(step, total, peak, warmup):
    """The rate of step number `step`, from 0, of a run with `total` steps -> float.

    Each part is half a cosine from a value a to a value b: with f from 0 to 1,

        b + (a - b) * (1 + cos(pi * f)) / 2

    step < warmup:   a = peak / 25,  b = peak,            f = step / warmup
    from then on:    a = peak,       b = peak / 10000,    f reaches 1 at the last step, total - 1
    """
    raise NotImplementedError("half a cosine up, half a cosine down")
