"""ReLU6, hard sigmoid and hard swish by what holds for all numbers, kinks and all, not only away from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import engine

numbers = arrays(np.float64, st.integers(1, 40), elements=st.floats(-20, 20) | st.sampled_from([-3.0, 0.0, 3.0, 6.0]))


@pytest.fixture(params=engine.ENGINES, autouse=True)
def with_each_engine(request):
    with engine.use(request.param):
        yield


def of(name, x):
    """y and the slope at every number."""
    y, cache = getattr(engine, name)(x)
    return y, getattr(engine, f"{name}_backward")(np.ones_like(x), cache)


@given(numbers)
def test_relu6_is_the_difference_of_two_relus(x):
    y, slope = of("relu6", x)
    np.testing.assert_allclose(y, engine.relu(x)[0] - engine.relu(x - 6)[0], atol=1e-12)
    np.testing.assert_array_equal(slope, (x > 0) & (x < 6))


@given(numbers)
def test_hard_sigmoid_is_a_relu6_moved_and_its_mirror_image(x):
    y, slope = of("hard_sigmoid", x)
    np.testing.assert_allclose(y, engine.relu6(x + 3)[0] / 6, atol=1e-12)
    np.testing.assert_allclose(y + of("hard_sigmoid", -x)[0], 1)
    inside = np.abs(x) < 3 - 1e-12
    np.testing.assert_allclose(slope[inside], 1 / 6)
    assert not slope[np.abs(x) > 3].any()


@given(numbers)
def test_hard_swish_follows_the_product_rule(x):
    """And lies between 0 and x where that is positive, never below -3/8 where it is not."""
    y, slope = of("hard_swish", x)
    g, g_slope = of("hard_sigmoid", x)
    np.testing.assert_allclose(y, x * g, atol=1e-12)
    away = np.abs(np.abs(x) - 3) > 1e-9
    np.testing.assert_allclose(slope[away], (g + x * g_slope)[away], atol=1e-12)
    assert (y <= np.maximum(x, 0) + 1e-12).all() and (y >= -0.375 - 1e-12).all()
