"""Multiplying first and adding up afterwards is the convolution of im2col, on every geometry at stride 1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd import naive
from minissd.engine import conv2d, conv2d_backward
from minissd.gradcheck import check_backward
from minissd.properties.windows import seeds


@st.composite
def geometries(draw):
    """(x_shape, w_shape, options): kernels, dilations and pads that differ by axis, and any batch."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)).filter(lambda kernel: kernel != (1, 1)))
    dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    pads = draw(st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2) | st.just("same"))
    sizes = [(k - 1) * r + 1 + draw(st.integers(0, 4)) for k, r in zip(kernel, dilation, strict=True)]
    c, d = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return (draw(st.integers(0, 3)), *sizes, c), (*kernel, c, d), {"dilation": dilation, "pad": pads}


@given(geometries(), seeds, st.booleans())
def test_the_same_as_im2col(geometry, seed, biased):
    x_shape, w_shape, options = geometry
    rng = np.random.default_rng(seed)
    x, w, b = rng.standard_normal(x_shape), rng.standard_normal(w_shape), rng.standard_normal(w_shape[3])
    ours, _ = conv2d(x, w, b if biased else None, **options, algorithm="taps")
    taught, _ = conv2d(x, w, b if biased else None, **options, algorithm="im2col")
    np.testing.assert_allclose(ours, taught, rtol=1e-9, atol=1e-9)


def test_the_same_as_the_loops(rng):
    x, w, b = rng.standard_normal((2, 6, 5, 2)), rng.standard_normal((3, 2, 2, 3)), rng.standard_normal(3)
    y, _ = conv2d(x, w, b, dilation=(2, 1), pad=1, algorithm="taps")
    np.testing.assert_allclose(y, naive.conv2d(x, w, b, dilation=(2, 1), pad=1), atol=1e-12)


def test_gradients(rng):
    inputs = rng.standard_normal((2, 5, 4, 3)), rng.standard_normal((3, 3, 3, 2)), rng.standard_normal(2)
    check_backward(lambda x, w, b: conv2d(x, w, b, pad=1, algorithm="taps"), conv2d_backward, inputs, rng=rng)


def test_a_stride_is_refused():
    with pytest.raises(ValueError, match=r'"taps" is for kernels above 1x1 at stride 1, got .*\(2, 2\)'):
        conv2d(np.zeros((1, 9, 9, 1)), np.zeros((3, 3, 1, 1)), stride=2, algorithm="taps")
