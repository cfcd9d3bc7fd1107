"""What Hypothesis draws where no kind of its own is needed: plain numbers, which shrink to what a person can follow."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

few = st.integers(1, 3)


def whole(shape, least=-9, most=9):
    """A float64 array of whole numbers, drawn one by one; shape: a tuple, or a strategy for one."""
    return arrays(np.float64, shape, elements=st.integers(least, most).map(float))


def whole_numbers(shape, dtype=np.float64, low=-9, high=9):
    """Arrays of whole numbers: shrunk, they count 1, 2, 3, ... in memory's order; else they lie in low..high.

    One draw fills an array, however large: it is the shapes that shrink, fast, and to the smallest.
    """

    def filled(seed):
        if seed == 0:
            return np.arange(1, np.prod(shape) + 1).reshape(shape).astype(dtype)
        return np.random.default_rng(seed).integers(low, high + 1, shape).astype(dtype)

    return st.integers(0, 2**16).map(filled)


def named(**strategies):
    """The cases of a function whose arguments do not depend on each other."""
    return st.fixed_dictionaries(strategies)
