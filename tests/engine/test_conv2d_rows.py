"""The product with a banded matrix is the convolution of im2col, on every geometry without holes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd import naive
from minissd.engine import conv2d, conv2d_backward
from minissd.engine.algorithms import banded
from minissd.ops.windows import Windows
from minissd.properties.windows import seeds


@st.composite
def geometries(draw):
    """(x_shape, w_shape, options): kernels, strides and pads that differ by axis."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    pads = draw(st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2) | st.just("same"))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    sizes = [k + draw(st.integers(0, 6)) for k in kernel]
    c, d = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return (draw(st.integers(1, 3)), *sizes, c), (*kernel, c, d), {"stride": stride, "pad": pads}


def run(algorithm, x, w, b, options, seed):
    """y, dx, dw, db"""
    y, cache = conv2d(x, w, b, **options, algorithm=algorithm)
    return y, *conv2d_backward(np.random.default_rng(seed).standard_normal(y.shape), cache)


@given(geometries(), seeds)
def test_the_same_as_im2col(geometry, seed):
    x_shape, w_shape, options = geometry
    rng = np.random.default_rng(seed)
    arrays = rng.standard_normal(x_shape), rng.standard_normal(w_shape), rng.standard_normal(w_shape[3])
    before = [array.copy() for array in arrays]
    for ours, taught in zip(run("banded", *arrays, options, seed), run("im2col", *arrays, options, seed), strict=True):
        np.testing.assert_allclose(ours, taught, rtol=1e-9, atol=1e-9)
    for array, same in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, same)


def test_the_same_as_the_loops(rng):
    x, w = rng.standard_normal((2, 6, 5, 2)), rng.standard_normal((3, 2, 2, 3))
    y, _ = conv2d(x, w, None, stride=(1, 2), pad=1, algorithm="banded")
    np.testing.assert_allclose(y, naive.conv2d(x, w, np.zeros(3), stride=(1, 2), pad=1), atol=1e-12)


def test_the_band_has_every_weight_once_for_each_output_and_zeros_elsewhere(rng):
    w = rng.uniform(1, 2, (3, 5, 2, 4))
    windows = Windows.over((1, 9, 14, 2), (3, 5), stride=(1, 2), pad=1)
    band = banded._band_matrix(w, windows)
    assert band.shape == (3 * 16 * 2, windows.out[1] * 4)
    assert np.count_nonzero(band) == w.size * windows.out[1]
    assert band.sum() == pytest.approx(w.sum() * windows.out[1])


def test_the_input_gradient_may_be_left_out(rng):
    x, w = rng.standard_normal((2, 6, 5, 2)), rng.standard_normal((3, 2, 2, 3))
    y, cache = conv2d(x, w, None, pad=1, algorithm="banded")
    dy = rng.standard_normal(y.shape)
    dx, dw, db = conv2d_backward(dy, cache, need_dx=False)
    assert dx is None and db is None
    np.testing.assert_array_equal(dw, conv2d_backward(dy, cache)[1])


def test_holes_are_refused(rng):
    with pytest.raises(ValueError, match=r'"banded".*\(2, 2\)'):
        conv2d(np.zeros((1, 9, 9, 1)), np.zeros((3, 3, 1, 1)), None, dilation=2, algorithm="banded")
