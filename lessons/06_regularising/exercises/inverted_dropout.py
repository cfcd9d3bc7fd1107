"""Dropout that leaves nothing to do at inference."""

import numpy as np


def inverted_dropout(x, rate, uniform):
    """Drop every unit with probability `rate`, and divide those that stay by the probability to stay.

        y = x m / (1 - rate)          m = 1 where uniform >= rate, else 0

    So the expected value of y is x.  The chance comes in as an argument: one number for each unit, drawn evenly from
    0 to 1 anew at each step.

    x: any shape; rate: 0 <= rate < 1; uniform: the shape of x, numbers in [0, 1) -> y, the shape of x.
    """
    raise NotImplementedError("drop some, enlarge the others")
