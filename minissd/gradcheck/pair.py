"""A gradient beside the one that was measured, and what can be said about the two."""

from typing import NamedTuple

import numpy as np


class Diagnosis(NamedTuple):
    """What is wrong with a gradient: one word for programs, one line for people."""

    kind: str
    text: str


class Pair(NamedTuple):
    """Two gradients of one shape; NaN in `numeric` marks entries that were not measured."""

    analytic: np.ndarray
    numeric: np.ndarray
    rtol: float
    atol: float

    def wrong(self, candidate):
        """Where `candidate` is off the numeric gradient; never where that is unknown."""
        larger = np.maximum(np.abs(candidate), np.abs(self.numeric))
        return np.abs(candidate - self.numeric) > self.atol + self.rtol * larger

    def explains(self, candidate):
        return not self.wrong(candidate).any()

    @property
    def known(self):
        return ~np.isnan(self.numeric)
