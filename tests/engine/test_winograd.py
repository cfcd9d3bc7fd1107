"""Winograd's convolution is the convolution of im2col, of the loops and of PyTorch, with a quarter of the products."""

from itertools import product
from math import prod

import numpy as np
import pytest
from conv2d_runs import require_any_layout_and_the_stand_in, run
from hypothesis import example, given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from minissd import naive
from minissd.data import read_image, resize_image
from minissd.engine import conv2d, conv2d_backward
from minissd.engine.algorithms import winograd_filters, winograd_transforms
from minissd.engine.algorithms.atrous import grids_of_inputs, grids_of_outputs, put_together
from minissd.engine.algorithms.tiles import Tiling
from minissd.engine.tuning import tuned
from minissd.gradcheck import check_backward
from minissd.layers import Conv2d
from minissd.models import build
from minissd.ops.geometry import pad_widths
from minissd.ops.windows import Windows
from minissd.properties.windows import seeds

sides = st.integers(0, 8)
widths = st.tuples(sides, sides)


@st.composite
def maps_under_3x3(draw, channels=4):
    """(x_shape, options) of a 3x3 convolution at stride 1: maps from less than one tile to several, any pad."""
    dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 7)))
    pads = draw(st.tuples(widths, widths) | st.just("same"))
    fits = [2 * r + 1 - sum(pad) for r, pad in zip(dilation, pad_widths(pads, (3, 3), dilation), strict=True)]
    sizes = [max(1, least) + draw(st.integers(0, 9)) for least in fits]
    x_shape = draw(st.integers(0, 3)), *sizes, draw(st.integers(1, channels))
    return x_shape, {"pad": pads, "dilation": dilation}


def drawn(x_shape, seed, filters=3):
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((3, 3, x_shape[3], filters))
    return rng.standard_normal(x_shape), w, rng.standard_normal(filters)


@given(maps_under_3x3(), seeds)
@example(((2, 19, 19, 2), {"pad": 6, "dilation": 6}), 0)  # fc6 of SSD300
@example(((1, 1, 1, 1), {"pad": ((8, 8), (0, 9)), "dilation": 1}), 0)  # outputs that see nothing but padding
def test_the_same_as_im2col(geometry, seed):
    x_shape, options = geometry
    x, w, b = drawn(x_shape, seed)
    for ours, taught in zip(run("winograd", x, w, b, options), run("im2col", x, w, b, options), strict=True):
        np.testing.assert_allclose(ours, taught, rtol=1e-9, atol=1e-9)


@given(maps_under_3x3(channels=2), seeds)
def test_the_same_as_the_loops(geometry, seed):
    x_shape, options = geometry
    x, w, b = drawn(x_shape, seed, filters=2)
    y, _ = conv2d(x, w, b, **options, algorithm="winograd")
    np.testing.assert_allclose(y, naive.conv2d(x, w, b, **options), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("size", "dilation"), [((13, 18), 1), ((13, 18), 3), ((3, 2), 1)])
def test_the_same_as_pytorch(size, dilation, rng):
    torch = pytest.importorskip("torch")
    x, w, b = drawn((2, *size, 5), 0)
    tx, tw, tb = (torch.tensor(array, requires_grad=True) for array in (x, w, b))
    ty = torch.nn.functional.conv2d(tx.permute(0, 3, 1, 2), tw.permute(3, 2, 0, 1), tb, 1, dilation, dilation)
    y, cache = conv2d(x, w, b, pad=dilation, dilation=dilation, algorithm="winograd")
    dy = rng.standard_normal(y.shape)
    ty.permute(0, 2, 3, 1).backward(torch.tensor(dy))
    np.testing.assert_allclose(y, ty.detach().permute(0, 2, 3, 1), atol=1e-10)
    for ours, theirs in zip(conv2d_backward(dy, cache), (tx, tw, tb), strict=True):
        np.testing.assert_allclose(ours, theirs.grad, atol=1e-10)


@given(maps_under_3x3(), seeds, st.integers(1, 30), st.integers(1, 6))
def test_blocks_and_threads_change_nothing(geometry, seed, tiles, filters):
    """However the tiles are cut into blocks, and whether threads share the tiles or the channels."""
    if not threadpool_info():
        pytest.skip("NumPy's BLAS does not let its threads be set")
    x_shape, options = geometry
    x, w, b = drawn(x_shape, seed, filters=4 * filters)
    expected = run("winograd", x, w, b, options)
    with tuned(winograd_tiles=tiles, thread_products=1), threadpool_limits(2, user_api="blas"):
        run("winograd", *(np.full_like(array, np.nan) for array in (x, w, b)), options)  # left in scratch memory
        for ours, other in zip(run("winograd", x, w, b, options), expected, strict=True):
            np.testing.assert_allclose(ours, other, rtol=1e-9, atol=1e-9)


@given(st.integers(0, 5), st.tuples(st.integers(1, 70), st.integers(1, 70)), st.integers(1, 300), st.integers(1, 8))
def test_blocks_hold_every_tile_once(batch, out, limit, threads):
    tiling = Tiling(batch, out)
    down, across = tiling.per_map
    assert 4 * down >= out[0] > 4 * (down - 1) and 4 * across >= out[1] and across % tiling.strip == 0
    blocks = tiling.blocks(limit, threads)
    seen = [place for block in blocks for place in product(range(batch)[block.images], range(down)[block.rows])]
    assert sorted(seen) == list(product(range(batch), range(down)))
    assert sum(prod(tiling.shape(block)) for block in blocks) == tiling.total
    assert all(prod(tiling.shape(block)) <= max(limit, across) for block in blocks)
    if batch * down >= threads and batch % threads == 0:
        assert len(blocks) % threads == 0  # no thread waits for another


@given(maps_under_3x3(), seeds)
def test_an_atrous_convolution_is_dense_ones_on_its_grids(geometry, seed):
    x_shape, options = geometry
    x, w, b = drawn(x_shape, seed)
    windows = Windows.over(x_shape, (3, 3), pad=options["pad"], dilation=options["dilation"])
    grids, dense = grids_of_inputs(x, windows)
    y = put_together(naive.conv2d(grids, w, b), windows)
    assert dense.out == naive.conv2d(grids, w, b).shape[1:3]
    np.testing.assert_allclose(y, naive.conv2d(x, w, b, **options), atol=1e-12)
    if x.size:
        np.testing.assert_array_equal(put_together(grids_of_outputs(y, windows), windows), y)


@pytest.mark.parametrize("dilation", [1, 2])
def test_gradients(dilation, rng):
    def forward(x, w, b):
        return conv2d(x, w, b, pad=((1, 2), (0, 3)), dilation=dilation, algorithm="winograd")

    inputs = [rng.standard_normal(shape) for shape in ((2, 6, 7, 2), (3, 3, 2, 3), (3,))]
    assert check_backward(forward, conv2d_backward, inputs, rng=rng) < 1e-5


def test_the_transforms_are_toom_and_cook():
    """y_i = sum_k d_{i+k} g_k for every i and k: the bilinear form A^T [(G g) * (B^T d)] is the correlation itself."""
    form = np.einsum("ip,pk,pj->ikj", winograd_transforms.A_T, winograd_transforms.G, winograd_transforms.B_T)
    i, k, j = np.indices(form.shape)
    np.testing.assert_allclose(form, j == i + k, atol=1e-15)


def test_float32_is_within_the_promised_error(rng):
    """Hundreds of channels after a ReLU, weights as initialised: against float64, largest error over largest value."""
    x = np.maximum(rng.standard_normal((1, 19, 19, 256)), 0)
    w = rng.standard_normal((3, 3, 256, 128)) * np.sqrt(2 / (9 * 256))
    b = rng.standard_normal(128)
    exact = run("im2col", x, w, b, {"pad": 1})
    single = run("winograd", *(array.astype("float32") for array in (x, w, b)), {"pad": 1})
    for ours, right in zip(single, exact, strict=True):
        assert ours.dtype == np.float32
        assert np.abs(ours - right).max() <= 1e-4 * np.abs(right).max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_layout_and_the_stand_in_for_cupy(dtype, strict):
    arrays = (array.astype(dtype) for array in drawn((2, 7, 9, 3), 0))
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    require_any_layout_and_the_stand_in("winograd", *arrays, {"pad": 1}, strict, tolerance)


def test_results_outlive_the_next_call(rng):
    """y and the gradients must not lie in scratch memory."""
    x, w, b = drawn((1, 9, 9, 3), 0)
    results = run("winograd", x, w, b, {"pad": 1})
    before = [array.copy() for array in results]
    run("winograd", *(rng.standard_normal(array.shape) for array in (x, w, b)), {"pad": 1})
    for array, copy in zip(results, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.fixture
def transforms(monkeypatch):
    """A list that gets an entry for every kernel transformed."""
    made, transform = [], winograd_filters._transform_filters
    counted = lambda w, out: made.append(1) or transform(w, out)  # noqa: E731
    monkeypatch.setattr(winograd_filters, "_transform_filters", counted)
    return made


def test_a_kernel_that_was_locked_changed_and_locked_again_is_not_the_old_one():
    x, w, _ = drawn((1, 9, 9, 3), 0)
    for _ in range(3):
        w.flags.writeable = False
        expected, _ = conv2d(x, w, pad=1, algorithm="im2col")
        np.testing.assert_allclose(conv2d(x, w, pad=1, algorithm="winograd")[0], expected, atol=1e-10)
        w.flags.writeable = True
        w *= 2


def test_a_read_only_view_of_a_kernel_that_changes_is_not_the_old_one():
    x, w, _ = drawn((1, 9, 9, 3), 0)
    view = w.view()
    view.flags.writeable = False
    for _ in range(2):
        expected, _ = conv2d(x, view, pad=1, algorithm="im2col")
        np.testing.assert_allclose(conv2d(x, view, pad=1, algorithm="winograd")[0], expected, atol=1e-10)
        w *= 2


def test_filters_are_kept_for_as_long_as_their_owner_says(transforms):
    x, w, b = drawn((1, 9, 9, 3), 0)
    expected, _ = conv2d(x, w, b, pad=1, algorithm="im2col")

    def transformed(kernel, kept=None):
        before = len(transforms)
        y, _ = conv2d(x, kernel, b, pad=1, algorithm="winograd", kept=kept)
        np.testing.assert_allclose(y, expected, atol=1e-10)
        return len(transforms) - before

    kept = {}
    assert [transformed(w, kept), transformed(w, kept), transformed(w, {})] == [1, 0, 1]
    assert [transformed(w), transformed(w)] == [1, 1]


def test_float32_on_the_activations_of_a_photograph(shared):
    """Every convolution of VGG16 that is done this way, on what it gets to see, against float64."""
    model = build("ssd300-vgg16", classes=("a",))
    photograph = min((shared / "data" / "voc-mini" / "JPEGImages").glob("*.jpg"))
    x = model.normalize(resize_image(read_image(photograph), 300)[None])[:, :150, :150]
    compared = []
    for stage in list(model.stages.values())[:2]:
        for name, layer in stage.layers.items():
            if isinstance(layer, Conv2d) and layer.forward(x)[1].algorithm == "winograd":
                x, arrays = layer.infer(x), (x, layer.params["w"], layer.params["b"])
                exact, _ = conv2d(*(array.astype("float64") for array in arrays), **layer.geometry, algorithm="im2col")
                assert np.abs(x - exact).max() <= 1e-4 * np.abs(exact).max(), name
                compared.append(name)
            else:
                x = layer.infer(x)
    assert len(compared) >= 8
