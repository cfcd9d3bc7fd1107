"""The distributions that an augmentation draws its numbers from.

Each has draw(rng) -> float.
"""

from typing import NamedTuple

import numpy as np

_REACH = 2  # standard deviations: what lies farther out would no longer look credible


class Uniform(NamedTuple):
    """All values from `low` to `high` alike."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        return rng.uniform(self.low, self.high)


class Normal(NamedTuple):
    """Mostly near `mean`, with standard deviation `spread`; what lies farther than two of them is brought back."""

    mean: float
    spread: float

    def draw(self, rng: np.random.Generator) -> float:
        return self.mean + self.spread * min(max(rng.standard_normal(), -_REACH), _REACH)


class Fixed(NamedTuple):
    """Always the same."""

    value: float

    def draw(self, rng: np.random.Generator) -> float:
        return self.value
