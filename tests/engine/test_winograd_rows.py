"""Winograd's convolution down the rows is the convolution of im2col and of the loops, forward and in both gradients."""

import numpy as np
import pytest
from conv2d_runs import require_any_layout_and_the_stand_in, run
from hypothesis import example, given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from minissd import naive
from minissd.engine import conv2d, conv2d_backward, products
from minissd.engine.algorithms import winograd_rows, winograd_transforms
from minissd.engine.tuning import tuned
from minissd.gradcheck import check_backward
from minissd.properties.windows import seeds

EDGE = (1, 1, 1, 1), {"pad": ((8, 8), (0, 9))}  # outputs that see nothing but padding


@st.composite
def geometries(draw):
    """(x_shape, options) of a dense 3x3 convolution at stride 1: from less than one row of tiles on, any pad."""
    side = st.integers(0, 8)
    pads = tuple(draw(st.tuples(side, side)) for _ in range(2))
    sizes = [max(1, 3 - sum(pad)) + draw(st.integers(0, 9)) for pad in pads]
    return (draw(st.integers(0, 3)), *sizes, draw(st.integers(1, 4))), {"pad": pads}


def drawn(x_shape, seed, filters=3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(x_shape), rng.standard_normal((3, 3, x_shape[3], filters)), rng.standard_normal(filters)


@given(geometries(), seeds)
@example(EDGE, 0)
def test_the_same_as_im2col(geometry, seed):
    x_shape, options = geometry
    arrays = drawn(x_shape, seed)
    for ours, taught in zip(run("winograd-rows", *arrays, options), run("im2col", *arrays, options), strict=True):
        np.testing.assert_allclose(ours, taught, rtol=1e-9, atol=1e-9)


@given(geometries(), seeds)
def test_the_same_as_the_loops(geometry, seed):
    x_shape, options = geometry
    arrays = drawn(x_shape, seed)
    y, _ = conv2d(*arrays, **options, algorithm="winograd-rows")
    np.testing.assert_allclose(y, naive.conv2d(*arrays, **options), rtol=1e-9, atol=1e-9)


@given(geometries(), seeds, st.integers(1, 40))
def test_blocks_pieces_and_what_scratch_memory_held_change_nothing(geometry, seed, small):
    """Two windows of each row reach into the next one: those must be numbers all the same."""
    if not threadpool_info():
        pytest.skip("NumPy's BLAS does not let its threads be set")
    x_shape, options = geometry
    arrays = drawn(x_shape, seed)
    expected = run("im2col", *arrays, options)
    sizes = {"thread_products": 1, "winograd_rows_block": 1, "least_rows": 1, "small_product": small}
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(2, user_api="blas"), tuned(**sizes):
        patch.setattr(products, "blas_architecture", lambda: "SkylakeX")
        run("winograd-rows", *(np.full_like(array, np.nan) for array in arrays), options)
        for ours, right in zip(run("winograd-rows", *arrays, options), expected, strict=True):
            np.testing.assert_allclose(ours, right, rtol=1e-9, atol=1e-9)


def test_gradients(rng):
    def forward(x, w, b):
        return conv2d(x, w, b, pad=((1, 2), (0, 3)), algorithm="winograd-rows")

    inputs = [rng.standard_normal(shape) for shape in ((2, 6, 7, 2), (3, 3, 2, 3), (3,))]
    assert check_backward(forward, conv2d_backward, inputs, rng=rng) < 1e-5


def test_the_transforms_are_toom_and_cook():
    """y_i = sum_k d_{i+k} g_k for every i and k: the bilinear form A^T [(G g) * (B^T d)] is the correlation itself."""
    form = np.einsum("ip,pk,pj->ikj", winograd_transforms.A_T, winograd_transforms.G, winograd_transforms.B_T)
    i, k, j = np.indices(form.shape)
    np.testing.assert_allclose(form, j == i + k, atol=1e-15)
    np.testing.assert_array_equal(winograd_transforms.A_T[:, winograd_rows.POINT_ONE], 1)


def test_float32_is_within_the_promised_error(rng):
    x = np.maximum(rng.standard_normal((1, 40, 40, 32)), 0)
    w, b = rng.standard_normal((3, 3, 32, 64)) * np.sqrt(2 / (9 * 32)), rng.standard_normal(64)
    exact = run("im2col", x, w, b, {"pad": 1})
    single = run("winograd-rows", *(array.astype("float32") for array in (x, w, b)), {"pad": 1})
    for ours, right in zip(single, exact, strict=True):
        assert ours.dtype == np.float32
        assert np.abs(ours - right).max() <= 1e-4 * np.abs(right).max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_layout_and_the_stand_in_for_cupy(dtype, strict):
    arrays = (array.astype(dtype) for array in drawn((2, 9, 8, 3), 0))
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    require_any_layout_and_the_stand_in("winograd-rows", *arrays, {"pad": 1}, strict, tolerance)


@pytest.mark.parametrize("options", [{"stride": 2}, {"dilation": 2}])
def test_other_geometries_are_refused(options):
    with pytest.raises(ValueError, match=r'"winograd-rows" is for 3x3 kernels at stride 1 without holes, got'):
        conv2d(np.zeros((1, 9, 9, 1)), np.zeros((3, 3, 1, 1)), **options, algorithm="winograd-rows")
