"""What Hypothesis draws to fill arrays: counting 1, 2, 3, ... at best, for then every entry says where it came from."""

import numpy as np
from hypothesis import strategies as st


def whole_numbers(shape, dtype=np.float64, low=-9, high=9):
    """Arrays of whole numbers: shrunk, they count 1, 2, 3, ... in memory's order; else they lie in low..high.

    One draw fills an array, however large: it is the shapes that shrink, fast, and to the smallest.
    """

    def filled(seed):
        if seed == 0:
            return np.arange(1, np.prod(shape) + 1).reshape(shape).astype(dtype)
        return np.random.default_rng(seed).integers(low, high + 1, shape).astype(dtype)

    return st.integers(0, 2**16).map(filled)
