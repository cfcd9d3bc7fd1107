"""Scores of a regression."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.metrics.regression import explained, mean_absolute_error


@given(st.integers(0, 2**32 - 1))
def test_exact_explains_all_and_the_mean_nothing(seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(9) * 5 + 7
    assert explained(values, values) == 1 and mean_absolute_error(values, values) == 0
    assert explained(np.full(9, values.mean()), values) == pytest.approx(0)
    said = values + rng.standard_normal(9)
    assert explained(said, values) == pytest.approx(1 - np.mean((said - values) ** 2) / np.var(values))
    assert explained(3 * said - 2, 3 * values - 2) == pytest.approx(explained(said, values))  # whatever the unit
    assert mean_absolute_error(said + 0.5, values + 0.5) == pytest.approx(np.mean(np.abs(said - values)))


def test_worse_than_the_mean_is_negative():
    assert explained(np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])) == -3


def test_nothing_to_explain():
    for values in (np.ones(3), np.zeros(0)):
        assert math.isnan(explained(values, values))
    assert math.isnan(mean_absolute_error(np.zeros(0), np.zeros(0)))


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(3,\) and \(2,\)"):
        explained(np.zeros(3), np.zeros(2))
