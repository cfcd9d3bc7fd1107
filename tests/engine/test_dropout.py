"""Dropout: what is kept, how often, and that nothing is left to do at inference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.engine import dropout, dropout_backward, spatial_dropout, spatial_dropout_backward
from minissd.properties.windows import seeds

PAIRS = {"units": (dropout, dropout_backward), "channels": (spatial_dropout, spatial_dropout_backward)}
both = pytest.mark.parametrize(("drop", "backward"), PAIRS.values(), ids=PAIRS)


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


@given(seed=seeds, rate=st.floats(0.05, 0.95))
def test_spatial_dropout_keeps_or_drops_a_channel_of_an_image_as_a_whole(seed, rate):
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 2, (3, 4, 5, 6))
    y, cache = spatial_dropout(x, rate, rng)
    kept = y[:, :1, :1] != 0  # (N, 1, 1, C)
    np.testing.assert_allclose(y, x * kept / (1 - rate))
    np.testing.assert_allclose(spatial_dropout_backward(x, cache), x * kept / (1 - rate))


def test_spatial_dropout_decides_for_every_image_and_channel_by_itself(rng):
    y, _ = spatial_dropout(np.ones((20, 1, 1, 30)), 0.5, rng)
    kept = y[:, 0, 0] != 0
    assert not kept.all(axis=0).any()
    assert not kept.all(axis=1).any()
    assert 0.3 < kept.mean() < 0.7


@both
@pytest.mark.parametrize("off", [{"rate": 0.5, "train": False}, {"rate": 0.0}])
def test_off_it_changes_nothing_and_draws_nothing(drop, backward, off, rng):
    x = rng.standard_normal((1, 2, 3, 4))
    state = rng.bit_generator.state
    y, cache = drop(x, rng=rng, **off)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(backward(x, cache), x)
    assert rng.bit_generator.state == state


@both
def test_every_call_draws_another_mask_and_the_generator_decides_which(drop, backward):
    x, rng = np.ones((5, 1, 1, 10)), np.random.default_rng(1)
    first, second = drop(x, 0.5, rng)[0], drop(x, 0.5, rng)[0]
    assert (first != second).any()
    np.testing.assert_array_equal(drop(x, 0.5, np.random.default_rng(1))[0], first)


@both
@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_rates_outside_0_to_1_are_refused(drop, backward, rate, rng):
    with pytest.raises(ValueError, match=rf"\[0, 1\).*{rate}"):
        drop(np.ones((1, 1, 1, 3)), rate, rng)


def test_spatial_dropout_needs_maps(rng):
    with pytest.raises(ValueError, match=r"\(N, H, W, C\).*\(3, 4\)"):
        spatial_dropout(np.ones((3, 4)), 0.5, rng)
