"""L2 normalisation over the channels, down to the zero vector."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.engine import l2_normalize, l2_normalize_backward
from minissd.properties.windows import seeds


@given(seed=seeds, factor=st.floats(0.1, 1e3))
def test_the_length_of_the_input_is_forgotten(seed, factor):
    rng = np.random.default_rng(seed)
    x, scale, dy = rng.standard_normal((6, 5)), rng.standard_normal(5), rng.standard_normal((6, 5))
    y, cache = l2_normalize(x, scale)
    np.testing.assert_allclose(l2_normalize(factor * x, scale)[0], y, atol=1e-6)
    dx, _ = l2_normalize_backward(dy, cache)
    np.testing.assert_allclose((dx * x).sum(axis=-1), 0, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_trap_4_the_gradient_at_a_zero_vector_is_finite(dtype):
    """With eps outside the root it would be 0 / 0."""
    x, ones = np.zeros((1, 2, 2, 3), dtype), np.ones(3, dtype)
    y, cache = l2_normalize(x, ones)
    np.testing.assert_array_equal(y, 0)
    for gradient in l2_normalize_backward(np.ones_like(x), cache):
        assert np.isfinite(gradient).all()


def test_a_scale_of_another_number_of_channels_is_named():
    with pytest.raises(ValueError, match=r"\(4,\).*\(2, 3\)"):
        l2_normalize(np.zeros((2, 3)), np.ones(4))
