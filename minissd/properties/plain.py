"""What Hypothesis draws where no kind of its own is needed: plain numbers, which shrink to what a person can follow."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

few = st.integers(1, 3)


def half_numbers(least=-9, most=9):
    """A multiple of 1/2; shrunk, a whole number.  Whole numbers alone would not show an answer that rounds."""
    return st.integers(least, most).map(float) | st.integers(least, most - 1).map(lambda n: n + 0.5)


def halves(shape, least=-9, most=9):
    """A float64 array of `half_numbers`, drawn one by one; shape: a tuple, or a strategy for one."""
    return arrays(np.float64, shape, elements=half_numbers(least, most))


def filled(shape, dtype=np.float64, low=-9, high=9):
    """Arrays of multiples of 1/2, of a whole dtype of whole numbers: 1, 2, 3, ... in memory's order when shrunk as far
    as the check allows, else drawn from low..high.

    One draw fills an array, however large: it is the shapes that shrink, fast, and to the smallest.
    """
    steps = 2 if np.dtype(dtype).kind == "f" else 1

    def fill(seed):
        if seed == 0:
            return np.arange(1, np.prod(shape) + 1).reshape(shape).astype(dtype)
        return (np.random.default_rng(seed).integers(steps * low, steps * high + 1, shape) / steps).astype(dtype)

    return st.integers(0, 2**16).map(fill)


def named(**strategies):
    """The cases of a function whose arguments do not depend on each other."""
    return st.fixed_dictionaries(strategies)
