"""Dropout: what is kept, how often, and that nothing is left to do at inference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import seeds

from minissd.ops import dropout, dropout_backward


@given(seed=seeds, rate=st.floats(0.05, 0.95))
def test_units_are_dropped_or_divided_by_the_chance_to_be_kept(seed, rate):
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 2, (8, 9))
    y, cache = dropout(x, rate, rng)
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / (1 - rate))
    np.testing.assert_allclose(dropout_backward(np.ones_like(x), cache), kept / (1 - rate))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_mean_is_kept(rate, rng):
    """n units of 0 or 1 / (1 - rate) have a mean with standard deviation sqrt(rate / (1 - rate) / n)."""
    n = 100_000
    y, _ = dropout(np.ones(n), rate, rng)
    assert abs(y.mean() - 1) < 5 * np.sqrt(rate / (1 - rate) / n)
    assert abs((y == 0).mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / n)


@pytest.mark.parametrize("off", [{"rate": 0.5, "train": False}, {"rate": 0.0}])
def test_off_it_changes_nothing_and_draws_nothing(off, rng):
    x = rng.standard_normal((3, 4))
    state = rng.bit_generator.state
    y, cache = dropout(x, rng=rng, **off)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(dropout_backward(x, cache), x)
    assert rng.bit_generator.state == state


def test_every_call_draws_another_mask_and_the_generator_decides_which():
    x, rng = np.ones(50), np.random.default_rng(1)
    first, second = dropout(x, 0.5, rng)[0], dropout(x, 0.5, rng)[0]
    assert (first != second).any()
    np.testing.assert_array_equal(dropout(x, 0.5, np.random.default_rng(1))[0], first)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_rates_outside_0_to_1_are_refused(rate, rng):
    with pytest.raises(ValueError, match=rf"\[0, 1\).*{rate}"):
        dropout(np.ones(3), rate, rng)
