"""Convolution in every geometry, and what makes it one: linear, local, the same everywhere."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minissd import naive
from minissd.engine import conv2d, conv2d_backward, im2col
from minissd.engine.tuning import tuned
from minissd.ops.geometry import pad_widths
from minissd.properties.windows import Geometry, convolutions, seeds

POINTWISE = Geometry((2, 3, 2, 3), (1, 1), {"stride": 1, "pad": 0, "dilation": 2})


def draw(geometry, seed, filters=2):
    """x, w, b and a cotangent for the output."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(geometry.x_shape)
    w = rng.standard_normal((*geometry.kernel, geometry.x_shape[3], filters))
    b = rng.standard_normal(filters)
    dy = rng.standard_normal(conv2d(x, w, b, **geometry.options)[0].shape)
    return x, w, b, dy


@given(geometry=convolutions(), seed=seeds)
@example(geometry=POINTWISE, seed=0)
def test_forward_and_backward_are_the_loops(geometry, seed):
    x, w, b, dy = draw(geometry, seed)
    y, cache = conv2d(x, w, b, **geometry.options)
    np.testing.assert_allclose(y, naive.conv2d(x, w, b, **geometry.options), atol=1e-10)
    expected = naive.conv2d_backward(dy, x, w, **geometry.options)
    for ours, loops in zip(conv2d_backward(dy, cache), expected, strict=True):
        np.testing.assert_allclose(ours, loops, atol=1e-10)


@given(geometry=convolutions(), seed=seeds)
@example(geometry=POINTWISE, seed=0)
def test_forward_and_backward_are_those_of_pytorch(geometry, seed):
    torch = pytest.importorskip("torch")
    x, w, b, dy = draw(geometry, seed)
    tx, tw, tb = (torch.tensor(array, requires_grad=True) for array in (x, w, b))
    stride, pad, dilation = (geometry.options[name] for name in ("stride", "pad", "dilation"))
    (top, bottom), (left, right) = pad_widths(pad, geometry.kernel, dilation)
    padded = torch.nn.functional.pad(tx.permute(0, 3, 1, 2), (left, right, top, bottom))
    ty = torch.nn.functional.conv2d(padded, tw.permute(3, 2, 0, 1), tb, stride, 0, dilation)
    ty = ty.permute(0, 2, 3, 1)
    ty.backward(torch.tensor(dy))

    y, cache = conv2d(x, w, b, **geometry.options)
    np.testing.assert_allclose(y, ty.detach(), atol=1e-10)
    for ours, theirs in zip(conv2d_backward(dy, cache), (tx, tw, tb), strict=True):
        np.testing.assert_allclose(ours, theirs.grad, atol=1e-10)


@given(geometry=convolutions(), seed=seeds, size=st.sampled_from([1, 200, 1000]))
def test_the_size_of_a_block_changes_nothing(geometry, seed, size):
    x, w, b, dy = draw(geometry, seed)
    y, cache = conv2d(x, w, b, **geometry.options)
    gradients = conv2d_backward(dy, cache)
    with tuned(im2col_block=size):
        y_in_blocks, cache = conv2d(x, w, b, **geometry.options)
        np.testing.assert_allclose(y_in_blocks, y, atol=1e-10)
        for blocked, whole in zip(conv2d_backward(dy, cache), gradients, strict=True):
            np.testing.assert_allclose(blocked, whole, atol=1e-10)


def test_the_kernel_is_not_flipped():
    """Only the first tap is 1: every output is the cell at its window's top left, not its bottom right."""
    x = np.arange(12.0).reshape(1, 3, 4, 1)
    w = np.zeros((2, 2, 1, 1))
    w[0, 0] = 1
    np.testing.assert_array_equal(conv2d(x, w)[0], x[:, :2, :3])


@given(geometry=convolutions(max_stride=2), seed=seeds)
def test_atrous_is_dense_convolution_with_zeros_between_the_taps(geometry, seed):
    x, w, b, dy = draw(geometry, seed)
    rows, columns = np.broadcast_to(geometry.options["dilation"], 2)
    kh, kw = geometry.kernel
    dense = np.zeros(((kh - 1) * rows + 1, (kw - 1) * columns + 1, *w.shape[2:]))
    dense[::rows, ::columns] = w

    y, cache = conv2d(x, w, b, **geometry.options)
    dense_y, dense_cache = conv2d(x, dense, b, **geometry.options | {"dilation": 1})
    np.testing.assert_allclose(y, dense_y, atol=1e-10)
    dx, dw, _ = conv2d_backward(dy, cache)
    dense_dx, dense_dw, _ = conv2d_backward(dy, dense_cache)
    np.testing.assert_allclose(dx, dense_dx, atol=1e-10)
    np.testing.assert_allclose(dw, dense_dw[::rows, ::columns], atol=1e-10)


@given(geometry=convolutions(), seed=seeds, down=st.integers(0, 2), right=st.integers(0, 2))
def test_shifting_the_input_by_whole_strides_shifts_the_output(geometry, seed, down, right):
    options = geometry.options | {"pad": 0}
    vertical, horizontal = np.broadcast_to(options["stride"], 2)
    rng = np.random.default_rng(seed)
    n, _, _, c = geometry.x_shape
    x = rng.standard_normal((n, 14, 15, c))
    w = rng.standard_normal((*geometry.kernel, c, 2))
    y = conv2d(x, w, **options)[0]
    shifted = conv2d(x[:, down * vertical :, right * horizontal :], w, **options)[0]
    np.testing.assert_allclose(shifted, y[:, down:, right:], atol=1e-10)


@given(geometry=convolutions(), seed=seeds)
def test_linear_in_the_input_and_in_the_kernel(geometry, seed):
    x, w, b, _ = draw(geometry, seed)
    y = conv2d(x, w, b, **geometry.options)[0]
    np.testing.assert_allclose(conv2d(3 * x, w, **geometry.options)[0], 3 * (y - b), atol=1e-10)
    np.testing.assert_allclose(conv2d(x, -2 * w, **geometry.options)[0], -2 * (y - b), atol=1e-10)


@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 3), (2, 5), (4, 3)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_keeps_the_size_for_even_kernels_too(kernel, dilation, rng):
    x = rng.standard_normal((1, 6, 7, 1))
    y, _ = conv2d(x, np.ones((*kernel, 1, 1)), pad="same", dilation=dilation)
    assert y.shape == x.shape


def test_same_pads_an_even_kernel_below_and_on_the_right():
    """floor(1 / 2) = 0 rows above and floor(2 / 2) = 1 below: the last output sees one real row only."""
    y, _ = conv2d(np.ones((1, 3, 3, 1)), np.ones((2, 2, 1, 1)), pad="same")
    np.testing.assert_array_equal(y[0, :, :, 0], [[4, 4, 2], [4, 4, 2], [2, 2, 1]])


def arrays_within(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from arrays_within(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from arrays_within(part)


def test_the_cache_holds_nothing_like_the_matrix_of_patches(rng):
    x, w = rng.standard_normal((2, 20, 20, 8)), rng.standard_normal((3, 3, 8, 4))
    _, cache = conv2d(x, w, np.zeros(4), pad=1)
    held = list(arrays_within(cache))
    assert held, "the cache keeps no array at all: this test looks in the wrong place"
    assert sum(array.nbytes for array in held) <= x.nbytes + w.nbytes + 1000
    assert x.nbytes + w.nbytes + 1000 < im2col(x, (3, 3), pad=1).nbytes / 4


def test_without_bias_and_without_dx(rng):
    x, w = rng.standard_normal((1, 4, 4, 2)), rng.standard_normal((3, 3, 2, 3))
    y, cache = conv2d(x, w)
    np.testing.assert_allclose(y, naive.conv2d(x, w), atol=1e-12)
    _, dw, db = conv2d_backward(np.ones_like(y), cache)
    no_dx, same_dw, same_db = conv2d_backward(np.ones_like(y), cache, need_dx=False)
    assert no_dx is None
    np.testing.assert_array_equal(same_dw, dw)
    np.testing.assert_array_equal(same_db, db)


MAP, KERNEL = np.zeros((1, 5, 5, 3)), np.zeros((3, 3, 3, 2))
MISFITS = {
    "channels": ((MAP, KERNEL[:, :, :2]), {}, [r"\(1, 5, 5, 3\)", r"\(3, 3, 2, 2\)"]),
    "no batch": ((MAP[0], KERNEL), {}, [r"\(5, 5, 3\)", r"\(3, 3, 3, 2\)"]),
    "flat kernel": ((MAP, KERNEL[0]), {}, [r"\(1, 5, 5, 3\)", r"\(3, 3, 2\)"]),
    "bias": ((MAP, KERNEL, np.zeros(3)), {}, [r"\(3,\)", r"\(3, 3, 3, 2\)"]),
    "kernel larger than the map": ((MAP[:, :2], KERNEL), {}, ["extent 3", "2 cells"]),
    "atrous kernel larger than the map": ((MAP, KERNEL), {"dilation": 4, "pad": 1}, ["extent 9", "5 cells"]),
    "algorithm": ((MAP, KERNEL), {"algorithm": "magic"}, ["'magic'", "im2col", "winograd"]),
    "winograd with a stride": ((MAP, KERNEL), {"algorithm": "winograd", "stride": (1, 2)}, ["3x3", r"\(1, 2\)"]),
    "winograd 2x3": ((MAP, KERNEL[:2]), {"algorithm": "winograd"}, ["3x3", r"\(2, 3\)"]),
    "stride": ((MAP, KERNEL), {"stride": (1, 2, 3)}, ["stride", r"\(1, 2, 3\)"]),
}


@pytest.mark.parametrize(("arguments", "options", "named"), MISFITS.values(), ids=MISFITS)
def test_misfits_are_named(arguments, options, named):
    with pytest.raises(ValueError) as raised:
        conv2d(*arguments, **options)
    for words in named:
        assert raised.match(words)
