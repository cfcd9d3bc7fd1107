"""Principal components and the colours made of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.explain import feature_colours, principal_components

SIZES = st.tuples(st.integers(2, 30), st.integers(1, 8), st.integers(1, 4))


def drawn(seed, n, d):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.standard_normal(d)


@given(st.integers(0, 2**32 - 1), SIZES)
def test_they_are_the_eigenvectors_of_the_covariance(seed, sizes):
    n, d, number = sizes
    features = drawn(seed, n, d)
    found = principal_components(features, number)
    k = len(found.directions)
    assert k == min(n, d, number)
    values, vectors = np.linalg.eigh(np.cov(features.T, bias=True).reshape(d, d))
    values, vectors = values[::-1], vectors[:, ::-1]
    np.testing.assert_allclose(found.shares, values[:k] / values.sum(), atol=1e-9)
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(k), atol=1e-9)
    scores = found.project(features)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(scores.var(axis=0), values[:k], atol=1e-9 * values[0])
    assert (np.diff(scores.var(axis=0)) <= 1e-9 * values[0]).all()  # the most important first
    assert (found.directions.max(axis=1) >= -found.directions.min(axis=1) - 1e-12).all()  # one sign for each


@given(st.integers(0, 2**32 - 1))
def test_all_of_them_lose_nothing(seed):
    features = drawn(seed, 20, 5)
    found = principal_components(features, 5)
    assert found.shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.project(features) @ found.directions + found.mean, features)


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
def test_colours(rng, channels):
    colours, share = feature_colours(rng.standard_normal((2, 4, 5, channels)))
    assert colours.shape == (2, 4, 5, 3)
    assert colours.min() >= 0 and colours.max() <= 1
    assert share == pytest.approx(1) if channels <= 3 else 0 < share < 1


def test_what_is_alike_has_one_colour_in_all_images(rng):
    kinds = rng.integers(0, 3, (2, 6, 6))
    colours, _ = feature_colours(rng.standard_normal((3, 16))[kinds])
    seen = [np.unique(colours[kinds == kind].round(6), axis=0) for kind in range(3)]
    assert [len(one) for one in seen] == [1, 1, 1]
    assert len(np.unique(np.concatenate(seen), axis=0)) == 3


def test_features_that_never_change_have_a_colour_too():
    colours, share = feature_colours(np.full((1, 3, 3, 4), 2.0, np.float32))
    assert np.isfinite(colours).all() and share == 0
