"""Activations far from 0, at 0, and at the ends of their parameters."""

import warnings

import numpy as np
import pytest
from held_memory import held_bytes
from hypothesis import given

from minissd.engine import (
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu6,
    relu6_backward,
    relu_backward,
    sigmoid,
    sigmoid_backward,
)
from minissd.engine.tuning import tuned
from minissd.layers import ReLU
from minissd.properties.windows import seeds

EDGES = np.array([-np.inf, -1e4, -1.0, -0.0, 0.0, 1e-3, 1e4, np.inf])


def test_relu_in_place_overwrites_its_input_and_gives_the_same(rng):
    x = rng.standard_normal((3, 300, 300))  # of several parts
    expected, own = relu(x)
    dy = rng.standard_normal(x.shape)
    expected_dx = relu_backward(dy, own)
    y, cache = relu(x, in_place=True)
    dx = relu_backward(dy, cache, in_place=True)
    assert y is x and dx is dy
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(dx, expected_dx)
    view = rng.standard_normal((3, 300, 301))[:, :, :300]  # which cannot be walked as one row
    np.testing.assert_array_equal(relu(view.copy())[0], relu(view, in_place=True)[0])


@pytest.mark.parametrize("pair", [(relu, relu_backward), (relu6, relu6_backward)])
@pytest.mark.parametrize("part", [1, 100])
def test_a_bit_is_kept_for_each_number_however_they_are_divided(pair, part, rng):
    forward, backward = pair
    x, dy = 5 * rng.standard_normal((2, 3, 5, 67))  # not a multiple of 8
    passed = x > 0 if forward is relu else (x > 0) & (x < 6)
    with tuned(elementwise_part=part):
        for bits in (True, False):
            y, cache = forward(x, bits=bits)
            np.testing.assert_array_equal(y[passed], x[passed])
            np.testing.assert_array_equal(backward(dy, cache), dy * passed)
            assert held_bytes(cache) == (-(-x.size // 8) if bits else x.nbytes)


def test_without_a_cache_relu_is_the_same(rng):
    x = rng.standard_normal((7, 9))
    y, cache = relu(x, need_cache=False)
    np.testing.assert_array_equal(y, relu(x)[0])
    assert cache is None
    layer = ReLU()
    np.testing.assert_array_equal(layer.infer(x), y)


def test_relu_at_the_edges():
    y, cache = relu(EDGES)
    np.testing.assert_array_equal(y, [0, 0, 0, 0, 0, 1e-3, 1e4, np.inf])
    np.testing.assert_array_equal(relu_backward(np.ones_like(EDGES), cache), [0, 0, 0, 0, 0, 1, 1, 1])


@given(seed=seeds)
def test_relu_twice_is_relu(seed):
    y, _ = relu(np.random.default_rng(seed).standard_normal((3, 4)))
    np.testing.assert_array_equal(relu(y)[0], y)


@given(seed=seeds)
def test_leaky_relu_lies_between_relu_and_identity(seed):
    x = np.random.default_rng(seed).standard_normal((3, 4))
    np.testing.assert_array_equal(leaky_relu(x, 0)[0], relu(x)[0])
    np.testing.assert_array_equal(leaky_relu(x, 1)[0], x)
    _, cache = leaky_relu(x, 0.25)
    np.testing.assert_array_equal(leaky_relu_backward(np.ones_like(x), cache), np.where(x > 0, 1, 0.25))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_saturates_without_a_warning(dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y, cache = sigmoid(EDGES.astype(dtype))
        slope = sigmoid_backward(np.ones(EDGES.shape, dtype), cache)
    np.testing.assert_allclose(y[[0, 1, 3, 4, 6, 7]], [0, 0, 0.5, 0.5, 1, 1])
    np.testing.assert_allclose(slope[[0, 1, 3, 4, 6, 7]], [0, 0, 0.25, 0.25, 0, 0])


@given(seed=seeds)
def test_sigmoid_is_point_symmetric(seed):
    x = 5 * np.random.default_rng(seed).standard_normal(20)
    np.testing.assert_allclose(sigmoid(x)[0] + sigmoid(-x)[0], 1)
