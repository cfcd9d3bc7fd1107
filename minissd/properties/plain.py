"""What Hypothesis draws where no kind of its own is needed: plain numbers, which shrink to what a person can follow."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

few = st.integers(1, 3)


def whole(shape, least=-9, most=9):
    """A float64 array of whole numbers; shape: a tuple, or a strategy for one."""
    return arrays(np.float64, shape, elements=st.integers(least, most).map(float))


def named(**strategies):
    """The cases of a function whose arguments do not depend on each other."""
    return st.fixed_dictionaries(strategies)
