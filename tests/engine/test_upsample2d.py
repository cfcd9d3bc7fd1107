"""Upsampling repeats cells; averaging over the repetitions undoes it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd import naive
from minissd.engine import avg_pool2d, upsample2d, upsample2d_backward
from minissd.properties.windows import seeds

factors = st.integers(1, 4)
shapes = st.tuples(*(st.integers(1, 4) for _ in range(4)))


@given(shapes, factors, seeds)
def test_every_cell_becomes_a_square_of_its_value(shape, factor, seed):
    x = np.random.default_rng(seed).standard_normal(shape)
    y, _ = upsample2d(x, factor)
    np.testing.assert_array_equal(y, naive.upsample2d(x, factor))
    np.testing.assert_allclose(avg_pool2d(y, factor)[0], x)


@given(shapes, factors, seeds)
def test_the_gradient_is_the_sum_over_the_square(shape, factor, seed):
    rng = np.random.default_rng(seed)
    y, cache = upsample2d(rng.standard_normal(shape), factor)
    dy = rng.standard_normal(y.shape)
    np.testing.assert_allclose(upsample2d_backward(dy, cache), avg_pool2d(dy, factor)[0] * factor**2, atol=1e-12)


@pytest.mark.parametrize(("shape", "factor"), [((4, 4, 1), 2), ((1, 4, 4, 1), 0)])
def test_misfits_are_named(shape, factor):
    with pytest.raises(ValueError) as raised:
        upsample2d(np.zeros(shape), factor)
    assert str(shape) in str(raised.value)
    assert str(factor) in str(raised.value)
