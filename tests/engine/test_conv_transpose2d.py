"""Transposed convolution, by every way there is: they are one, and it is the adjoint of convolution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd import naive
from minissd.engine import conv2d, conv_transpose2d, conv_transpose2d_backward
from minissd.properties.windows import seeds


@st.composite
def transposed(draw):
    """x, w and the options of a transposed convolution; no pad is so wide that it eats the output."""
    kernel, stride = (draw(st.tuples(st.integers(1, 4), st.integers(1, 3))) for _ in range(2))
    pad = tuple((draw(st.integers(0, k - 1)), draw(st.integers(0, (k - 1) // 2))) for k in kernel)
    n, h, w, c, d = (draw(st.integers(1, most)) for most in (2, 4, 4, 3, 3))
    size = [(m - 1) * s + k - sum(p) for m, s, k, p in zip((h, w), stride, kernel, pad, strict=True)]
    pad = tuple(p if m > 0 else (0, 0) for p, m in zip(pad, size, strict=True))
    rng = np.random.default_rng(draw(seeds))
    options = {"stride": stride, "pad": pad}
    return rng.standard_normal((n, h, w, c)), rng.standard_normal((*kernel, d, c)), options


def as_matrix(w, size, options):
    """conv2d of one map with `size` (H, W) cells as a matrix: column by column, what it makes of each single cell."""
    cells = np.eye(size[0] * size[1] * w.shape[2]).reshape(-1, *size, w.shape[2])
    return conv2d(cells, w, **options)[0].reshape(len(cells), -1).T


@given(transposed(), seeds)
def test_the_adjoint_of_convolution(case, seed):
    """<conv2d(a, w), x> = <a, conv_transpose2d(x, w)>."""
    x, w, options = case
    y, _ = conv_transpose2d(x, w, **options)
    a = np.random.default_rng(seed).standard_normal(y.shape)
    there, _ = conv2d(a, w, **options)
    assert there.shape == x.shape
    np.testing.assert_allclose((there * x).sum(), (a * y).sum(), atol=1e-9)


@given(transposed())
def test_the_loops(case):
    x, w, options = case
    b = np.arange(1.0, w.shape[2] + 1)
    y, _ = conv_transpose2d(x, w, b, **options)
    np.testing.assert_allclose(y, naive.conv_transpose2d(x, w, b, **options), atol=1e-10)


@given(transposed())
def test_the_transposed_matrix(case):
    x, w, options = case
    y, _ = conv_transpose2d(x, w, **options)
    matrix = as_matrix(w, y.shape[1:3], options)
    np.testing.assert_allclose(y.reshape(len(x), -1), x.reshape(len(x), -1) @ matrix, atol=1e-10)


@given(transposed())
def test_zeros_between_the_cells_a_border_and_the_flipped_kernel(case):
    """Between two cells stride - 1 zeros, around them as many as the kernel reaches, less the pad."""
    x, w, options = case
    (sy, sx), pad = options["stride"], options["pad"]
    n, height, width, c = x.shape
    spread = np.zeros((n, (height - 1) * sy + 1, (width - 1) * sx + 1, c))
    spread[:, ::sy, ::sx] = x
    border = tuple((k - 1 - before, k - 1 - after) for k, (before, after) in zip(w.shape[:2], pad, strict=True))
    flipped = w[::-1, ::-1].transpose(0, 1, 3, 2)
    y, _ = conv_transpose2d(x, w, **options)
    np.testing.assert_allclose(y, conv2d(spread, flipped, pad=border)[0], atol=1e-10)


@given(transposed(), seeds)
def test_gradients_of_a_bilinear_map(case, seed):
    """y is linear in x and in w, so <dy, y> = <dx, x> = <dw, w>."""
    x, w, options = case
    y, cache = conv_transpose2d(x, w, **options)
    dy = np.random.default_rng(seed).standard_normal(y.shape)
    dx, dw, db = conv_transpose2d_backward(dy, cache)
    assert (dx.shape, dw.shape, db) == (x.shape, w.shape, None)
    np.testing.assert_allclose([(dx * x).sum(), (dw * w).sum()], (dy * y).sum(), atol=1e-9)


def test_slip_a_border_of_k_minus_1_is_enough_only_at_stride_1_and_with_the_flipped_kernel(rng):
    """The lecture pads by k - 1 and convolves; it is silent about the flip, the stride and the pad."""
    x, w = rng.standard_normal((1, 4, 5, 2)), rng.standard_normal((3, 3, 3, 2))
    straight, flipped = (array.transpose(0, 1, 3, 2) for array in (w, w[::-1, ::-1]))
    y, _ = conv_transpose2d(x, w)
    np.testing.assert_allclose(conv2d(x, flipped, pad=2)[0], y, atol=1e-12)
    assert not np.allclose(conv2d(x, straight, pad=2)[0], y)
    assert conv_transpose2d(x, w, stride=2)[0].shape != conv2d(x, flipped, pad=2)[0].shape
    assert conv_transpose2d(x, w, pad=1)[0].shape != conv2d(x, flipped, pad=2)[0].shape


def test_2x2_at_stride_2_doubles_the_map_and_each_cell_paints_its_own_square(rng):
    x, w = rng.standard_normal((1, 3, 4, 1)), rng.standard_normal((2, 2, 1, 1))
    y, _ = conv_transpose2d(x, w, stride=2)
    np.testing.assert_allclose(y[0, :, :, 0], np.kron(x[0, :, :, 0], w[:, :, 0, 0]))


MAP, KERNEL = np.zeros((1, 5, 5, 3)), np.zeros((3, 3, 2, 3))
MISFITS = {
    "channels, as if for conv2d": ((MAP, KERNEL.swapaxes(2, 3)), {}, [r"\(1, 5, 5, 3\)", r"\(3, 3, 3, 2\)"]),
    "no batch": ((MAP[0], KERNEL), {}, [r"\(5, 5, 3\)"]),
    "bias": ((MAP, KERNEL, np.zeros(3)), {}, [r"\(3,\)", "2 output channels"]),
    "nothing left": ((MAP[:, :1], KERNEL), {"pad": 2}, ["pad 2", r"\(1, 1, 5, 3\)"]),
}


@pytest.mark.parametrize(("arguments", "options", "named"), MISFITS.values(), ids=MISFITS)
def test_misfits_are_named(arguments, options, named):
    with pytest.raises(ValueError) as raised:
        conv_transpose2d(*arguments, **options)
    for words in named:
        assert raised.match(words)
