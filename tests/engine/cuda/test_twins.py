"""Every kernel, run as C++ on the CPU and where there is one on a card, gives what its twin in plain arrays gives."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strict_kernels import ElementwiseKernel

from minissd import engine
from minissd.detection.suppression import survivors
from minissd.device import to_numpy
from minissd.engine import sums
from minissd.engine.cpu.gathering import Scattering, gathering
from minissd.engine.cuda import Kernel
from minissd.engine.tuning import tuned
from minissd.ops.windows import Windows
from minissd.properties.box_sets import corners
from minissd.properties.windows import convolutions, poolings, seeds
from minissd.training import SGD

im2col = importlib.import_module("minissd.engine.cpu.gathering")
dtypes = st.sampled_from(["float16", "float32", "float64"])


def windows_of(geometry):
    return Windows.over(geometry.x_shape, geometry.kernel, *geometry.options.values())


@given(convolutions(), seeds, dtypes, st.data())
def test_patches_are_gathered_exactly(card, geometry, seed, dtype, data):
    """Any block of images and rows, in any dtype: words of 8 bytes, where channels come in such, are the same bits."""
    x, windows = geometry.x(seed).astype(dtype), windows_of(geometry)
    image, row = data.draw(st.integers(0, len(x) - 1)), data.draw(st.integers(0, windows.out[0] - 1))
    for block in ((slice(0, len(x)), slice(0, windows.out[0])), (slice(image, image + 1), slice(row, row + 1))):
        cols = gathering(card.asarray(x), windows)(*block)
        assert (cols.dtype, cols.flags.c_contiguous) == (x.dtype, True)
        np.testing.assert_array_equal(to_numpy(cols), gathering(x, windows)(*block))


def test_nan_is_moved_bit_for_bit(card):
    bits = np.array([0x7FA00001, 0xFFC12345, 0x80000000, 1] * 4, np.uint32).reshape(1, 2, 2, 4)
    cols = engine.im2col(card.asarray(bits.view(np.float32)), (2, 2))
    np.testing.assert_array_equal(to_numpy(cols).view(np.uint32), bits.reshape(1, -1))


@given(convolutions(), seeds, st.integers(1, 3))
def test_patches_are_put_back_block_by_block(card, geometry, seed, step):
    """To the last bit: the kernel adds in the order in which the twin does."""
    windows, rng = windows_of(geometry), np.random.default_rng(seed)
    n, (oh, ow), length = geometry.x_shape[0], windows.out, np.prod(geometry.kernel) * geometry.x_shape[3]
    on_card = Scattering(windows, card.zeros(1))
    on_host = Scattering(windows, np.zeros(1))
    for image in range(n):
        for row in range(0, oh, step):
            stop = min(row + step, oh)
            cols = rng.standard_normal(((stop - row) * ow, length))
            block = slice(image, image + 1), slice(row, stop)
            on_card.add(card.asarray(cols), *block)
            on_host.add(cols, *block)
    np.testing.assert_array_equal(to_numpy(on_card.total()), on_host.total())


@given(poolings(), seeds, st.booleans())
def test_max_pooling_with_ties_and_nan(card, geometry, seed, with_nan):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, geometry.x_shape).astype(np.float32)  # full of ties
    if with_nan:
        x.reshape(-1)[rng.integers(x.size)] = np.nan
    y, cache = engine.max_pool2d(x, geometry.kernel, **geometry.options)
    y_card, cache_card = engine.max_pool2d(card.asarray(x), geometry.kernel, **geometry.options)
    np.testing.assert_array_equal(to_numpy(y_card), y)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dx = engine.max_pool2d_backward(card.asarray(dy), cache_card)
    np.testing.assert_array_equal(to_numpy(dx), engine.max_pool2d_backward(dy, cache))


@given(convolutions(), seeds)
def test_depthwise_convolution(card, geometry, seed):
    x, rng = geometry.x(seed), np.random.default_rng(seed)
    w = rng.standard_normal((*geometry.kernel, x.shape[3]))
    y, cache = engine.depthwise_conv2d(x, w, **geometry.options)
    y_card, cache_card = engine.depthwise_conv2d(card.asarray(x), card.asarray(w), **geometry.options)
    np.testing.assert_allclose(to_numpy(y_card), y, atol=1e-12)
    dy = rng.standard_normal(y.shape)
    found = engine.depthwise_conv2d_backward(card.asarray(dy), cache_card)[:2]
    for ours, twin in zip(found, engine.depthwise_conv2d_backward(dy, cache)[:2], strict=True):
        np.testing.assert_allclose(to_numpy(ours), twin, atol=1e-12)


@pytest.mark.parametrize("dilation", [1, 2, (3, 1)])
@pytest.mark.parametrize("size", [(4, 4), (9, 14), (1, 2)])
@pytest.mark.parametrize("tiles", [1, 5, 1000])
def test_winograds_transforms(card, rng, size, dilation, tiles):
    """Whether one block holds all tiles, or the pieces of several."""
    x, w, b = rng.standard_normal((2, *size, 3)), rng.standard_normal((3, 3, 3, 2)), rng.standard_normal(2)
    options = {"pad": dilation, "dilation": dilation, "algorithm": "winograd"}
    y, cache = engine.conv2d(x, w, b, **options)
    dy = rng.standard_normal(y.shape)
    with tuned(winograd_tiles=1, winograd_block_on_card=tiles * 36 * 3 * 8):
        y_card, cache_card = engine.conv2d(*map(card.asarray, (x, w, b)), **options)
        found = engine.conv2d_backward(card.asarray(dy), cache_card)
    np.testing.assert_allclose(to_numpy(y_card), y, atol=1e-12)
    for ours, twin in zip(found, engine.conv2d_backward(dy, cache), strict=True):
        np.testing.assert_allclose(to_numpy(ours), twin, atol=1e-11)


def test_the_card_convolves_as_winograd_where_that_pays_and_as_im2col_elsewhere(card, rng):
    def algorithm(size, c, d, **options):
        x, w = rng.standard_normal((1, size, size, c)), rng.standard_normal((3, 3, c, d))
        return engine.conv2d(card.asarray(x), card.asarray(w), **options)[1].algorithm

    assert algorithm(40, 64, 64, pad=1) == "winograd"
    assert algorithm(40, 64, 64, pad=1, stride=2) == "im2col"
    assert algorithm(40, 64, 2, pad=1) == "im2col"  # on the CPU "taps"


def test_a_block_of_patches_on_a_card_is_as_large_as_said(card, monkeypatch, rng):
    x, w = rng.standard_normal((3, 8, 8, 2)), rng.standard_normal((3, 3, 2, 2))
    sizes = []
    right = im2col._gather_on_card
    monkeypatch.setattr(im2col, "_gather_on_card", lambda *args: sizes.append(right(*args).nbytes) or right(*args))
    y, _ = engine.conv2d(card.asarray(x), card.asarray(w), algorithm="im2col")
    assert len(sizes) == 1  # all in one
    with tuned(im2col_block_on_card=max(sizes) // 5):
        in_blocks, _ = engine.conv2d(card.asarray(x), card.asarray(w), algorithm="im2col")
    assert len(sizes) > 5 and max(sizes[1:]) <= sizes[0] / 5
    np.testing.assert_allclose(to_numpy(in_blocks), to_numpy(y), rtol=1e-12)


@given(corners(min_boxes=1, max_boxes=70), st.sampled_from([0.0, 0.3, 0.5]), st.integers(1, 3))
def test_suppression_of_sets_side_by_side(card, boxes, threshold, sets):
    """More boxes than a word of bits holds, and overlaps that are exactly the threshold."""
    boxes = np.stack([boxes] * sets)
    boxes[1:] = boxes[1:, ::-1]
    np.testing.assert_array_equal(to_numpy(survivors(card.asarray(boxes), threshold)), survivors(boxes, threshold))


def test_no_boxes_no_survivors(card):
    assert survivors(card.zeros((3, 0, 4)), 0.5).shape == (3, 0)


@pytest.mark.parametrize("shape", [(2, 5, 6, 3), (7, 4), (1, 1, 1, 4), (2, 1, 1, 4)])
@pytest.mark.parametrize("train", [True, False])
def test_batch_norm(card, rng, shape, train):
    x, dy, (gamma, beta, mean) = *rng.standard_normal((2, *shape)), rng.standard_normal((3, shape[-1]))
    host = [x, gamma, beta, mean, mean**2 + 0.1]
    there = [card.asarray(array) for array in host]
    y, cache = engine.batch_norm(*host, train=train)
    y_card, cache_card = engine.batch_norm(*there, train=train)
    np.testing.assert_allclose(to_numpy(y_card), y, rtol=1e-12, atol=1e-12)
    found = engine.batch_norm_backward(card.asarray(dy), cache_card)
    for ours, twin in zip(found, engine.batch_norm_backward(dy, cache), strict=True):
        np.testing.assert_allclose(to_numpy(ours), twin, rtol=1e-11, atol=1e-11)


@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 60), seeds)
def test_sums_of_columns_however_many_threads_there_are(card, rows, columns, threads, seed):
    x = np.random.default_rng(seed).integers(-9, 10, (rows, columns)).astype(np.float32)  # exact in any order
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "THREADS", threads)
        np.testing.assert_array_equal(to_numpy(sums.column_sums(card.asarray(x))), x.sum(axis=0))


@pytest.mark.parametrize("in_place", [True, False])
def test_the_gradient_of_relu(card, rng, in_place):
    x, dy = rng.standard_normal((2, 3, 4))
    x[0, 0] = 0
    there = card.asarray(dy)
    dx = engine.relu_backward(there, engine.relu(card.asarray(x))[1], in_place=in_place)
    assert (dx is there) == in_place
    np.testing.assert_array_equal(to_numpy(dx), engine.relu_backward(dy, engine.relu(x)[1]))


@pytest.mark.parametrize("bias_decay", [True, False])
def test_updates(card, rng, bias_decay):
    host = {"w": rng.standard_normal((3, 4)).astype(np.float32), "b": rng.standard_normal(4).astype(np.float32)}
    there = {name: card.asarray(array) for name, array in host.items()}
    pair = [SGD(params, 0.1, 0.9, 0.01, bias_lr=2, bias_decay=bias_decay) for params in (host, there)]
    for _ in range(3):
        grads = {name: rng.standard_normal(array.shape).astype(np.float32) for name, array in host.items()}
        pair[0].step(grads)
        pair[1].step({name: card.asarray(grad) for name, grad in grads.items()})
    for name, array in host.items():
        np.testing.assert_allclose(to_numpy(there[name]), array, rtol=1e-6, atol=1e-7)


def test_more_numbers_than_a_kernel_can_count_are_refused(card, monkeypatch, rng):
    monkeypatch.setattr(im2col, "MOST", 100)
    x = card.asarray(rng.standard_normal((1, 9, 9, 3)))
    with pytest.raises(ValueError, match="take fewer images"):
        gathering(x, Windows.over(x.shape, 3))(slice(0, 1), slice(0, 7))
    with pytest.raises(ValueError, match="take fewer images"):
        Scattering(Windows.over(x.shape, 3), x).add(card.zeros((49, 27)), slice(0, 1), slice(0, 7))


# --- the stand-in is as strict as a card ---


def test_reading_outside_of_an_array_is_caught(strict):
    shifted = Kernel("shifted", "raw T x", "T y", "y = x[i + 1]")
    with pytest.raises(IndexError, match="shifted reaches number 4"):
        shifted(strict.zeros(4), strict.zeros(4))


def test_writing_outside_of_an_array_is_caught(strict):
    behind = Kernel("behind", "T x", "raw T y", "y[2 * i] = x")
    with pytest.raises((IndexError, ValueError)):
        behind(strict.zeros(4), strict.zeros(4))


REFUSED = {
    "NumPy": (lambda xp: (np.zeros(3), xp.zeros(3)), TypeError),
    "two types": (lambda xp: (xp.zeros(3), xp.zeros(3, dtype=np.float32)), TypeError),
    "a missing output": (lambda xp: (xp.zeros(3),), TypeError),
    "an output too small": (lambda xp: (xp.zeros((2, 3)), xp.zeros(3)), ValueError),
}


@pytest.mark.parametrize(("arguments", "error"), REFUSED.values(), ids=REFUSED)
def test_wrong_arguments_are_refused(strict, arguments, error):
    double = ElementwiseKernel("T x", "T y", "y = 2 * x", "double")
    with pytest.raises(error):
        double(*arguments(strict))


def test_a_raw_array_must_be_contiguous(strict):
    first = Kernel("first", "raw T x", "T y", "y = x[i]")
    with pytest.raises(ValueError, match="not contiguous"):
        first(strict.zeros((4, 4))[:, 1], strict.zeros(4))
