"""Patches as views of the map are the convolution of im2col and of the loops, forward and in both gradients."""

import numpy as np
import pytest
from conv2d_runs import require_any_layout_and_the_stand_in, run
from hypothesis import example, given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from minissd import naive
from minissd.engine import conv2d, conv2d_backward
from minissd.engine.tuning import tuned
from minissd.gradcheck import check_backward
from minissd.properties.windows import seeds

TINY = (2, 15, 15, 3), (3, 3, 3, 2), {"stride": (2, 2), "pad": 1}  # as in ssd-tiny
EDGE = (1, 3, 3, 1), (3, 3, 1, 1), {"stride": (2, 2), "pad": ((9, 0), (0, 9))}  # windows on nothing but padding


@st.composite
def geometries(draw):
    """(x_shape, w_shape, options): kernels, strides up to the kernel's size and pads that differ by axis."""
    kernel = draw(st.tuples(st.integers(2, 7), st.integers(2, 7)))
    stride = tuple(draw(st.integers(2, k)) for k in kernel)
    pads = draw(st.tuples(*[st.tuples(st.integers(0, 8), st.integers(0, 8))] * 2) | st.just("same"))
    sizes = [k + draw(st.integers(0, 9)) for k in kernel]
    c, d = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return (draw(st.integers(0, 3)), *sizes, c), (*kernel, c, d), {"stride": stride, "pad": pads}


def drawn(x_shape, w_shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(x_shape), rng.standard_normal(w_shape), rng.standard_normal(w_shape[3])


@given(geometries(), seeds)
@example(TINY, 0)
@example(EDGE, 0)
def test_the_same_as_im2col(geometry, seed):
    x_shape, w_shape, options = geometry
    arrays = drawn(x_shape, w_shape, seed)
    for ours, taught in zip(run("strided", *arrays, options), run("im2col", *arrays, options), strict=True):
        np.testing.assert_allclose(ours, taught, rtol=1e-9, atol=1e-9)


@given(geometries(), seeds)
def test_the_same_as_the_loops(geometry, seed):
    x_shape, w_shape, options = geometry
    arrays = drawn(x_shape, w_shape, seed)
    y, _ = conv2d(*arrays, **options, algorithm="strided")
    np.testing.assert_allclose(y, naive.conv2d(*arrays, **options), rtol=1e-9, atol=1e-9)


@given(geometries(), seeds)
def test_what_scratch_memory_held_does_not_matter(geometry, seed):
    """Windows at the end of a row or a block read past what belongs to them: those must be numbers all the same."""
    if not threadpool_info():
        pytest.skip("NumPy's BLAS does not let its threads be set")
    x_shape, w_shape, options = geometry
    arrays = drawn(x_shape, w_shape, seed)
    expected = run("im2col", *arrays, options)
    with tuned(thread_products=1, strided_block=1), threadpool_limits(2, user_api="blas"):  # an image a block
        run("strided", *(np.full_like(array, np.nan) for array in arrays), options)
        for ours, right in zip(run("strided", *arrays, options), expected, strict=True):
            np.testing.assert_allclose(ours, right, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("kernel", "stride"), [((3, 3), 2), ((5, 4), (3, 2)), ((2, 2), 2)])
def test_gradients(kernel, stride, rng):
    def forward(x, w, b):
        return conv2d(x, w, b, stride=stride, pad=((1, 0), (2, 1)), algorithm="strided")

    inputs = [rng.standard_normal(shape) for shape in ((2, 7, 8, 2), (*kernel, 2, 3), (3,))]
    assert check_backward(forward, conv2d_backward, inputs, rng=rng) < 1e-5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_layout_and_the_stand_in_for_cupy(dtype, strict):
    arrays = (array.astype(dtype) for array in drawn((2, 9, 8, 3), (3, 3, 3, 2)))
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    require_any_layout_and_the_stand_in("strided", *arrays, {"pad": 1, "stride": 2}, strict, tolerance)


def test_the_gradient_of_x_can_be_left_out():
    x_shape, w_shape, options = TINY
    y, cache = conv2d(*drawn(x_shape, w_shape), **options, algorithm="strided")
    dx, dw, _ = conv2d_backward(y, cache, need_dx=False)
    assert dx is None
    np.testing.assert_array_equal(dw, conv2d_backward(y, cache)[1])


@pytest.mark.parametrize("options", [{}, {"stride": (2, 1)}, {"stride": 4}, {"stride": 2, "dilation": 2}])
def test_other_geometries_are_refused(options):
    with pytest.raises(ValueError, match=r'"strided" is for strides of 2 and more, not above the kernel'):
        conv2d(np.zeros((1, 9, 9, 1)), np.zeros((3, 3, 1, 1)), **options, algorithm="strided")
