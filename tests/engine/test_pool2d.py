"""Pooling in every geometry; padded cells never win a maximum and never count in a mean."""

import numpy as np
import pytest
from held_memory import held_bytes
from hypothesis import given

from minissd import naive, ops
from minissd.engine import (
    avg_pool2d,
    avg_pool2d_backward,
    global_avg_pool2d,
    global_avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
)
from minissd.engine.tuning import tuned
from minissd.properties.windows import poolings, seeds

PAIRS = {"max": (max_pool2d, max_pool2d_backward), "avg": (avg_pool2d, avg_pool2d_backward)}
both = pytest.mark.parametrize("kind", PAIRS)


@both
@given(geometry=poolings(), seed=seeds)
def test_forward_and_backward_are_the_loops(kind, geometry, seed):
    """Small whole numbers, so that maxima are often tied: the first one in reading order wins."""
    pool, backward = PAIRS[kind]
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, geometry.x_shape).astype(float)
    y, cache = pool(x, geometry.kernel, **geometry.options)
    np.testing.assert_allclose(y, getattr(naive, f"{kind}_pool2d")(x, geometry.kernel, **geometry.options))
    dy = rng.standard_normal(y.shape)
    expected = getattr(naive, f"{kind}_pool2d_backward")(dy, x, geometry.kernel, **geometry.options)
    np.testing.assert_allclose(backward(dy, cache), expected, atol=1e-12)


@both
@given(geometry=poolings(), seed=seeds)
def test_no_gradient_is_lost(kind, geometry, seed):
    pool, backward = PAIRS[kind]
    y, cache = pool(geometry.x(seed), geometry.kernel, **geometry.options)
    dy = np.random.default_rng(seed + 1).standard_normal(y.shape)
    np.testing.assert_allclose(backward(dy, cache).sum(axis=(1, 2)), dy.sum(axis=(1, 2)), atol=1e-10)


@both
@given(geometry=poolings(), seed=seeds)
def test_a_constant_map_stays_constant_up_to_its_borders(kind, geometry, seed):
    value = np.random.default_rng(seed).standard_normal()
    y, _ = PAIRS[kind][0](np.full(geometry.x_shape, value), geometry.kernel, **geometry.options)
    np.testing.assert_allclose(y, value)


@given(geometry=poolings(), seed=seeds)
def test_ceil_mode_counts_windows_like_pytorch(geometry, seed):
    """Pads must be equal on both sides and at most half the kernel there."""
    torch = pytest.importorskip("torch")
    x = geometry.x(seed)
    kernel, stride, pad = geometry.kernel, geometry.options["stride"], tuple(k // 2 for k in geometry.kernel)
    nchw = torch.tensor(x).permute(0, 3, 1, 2)
    theirs = torch.nn.functional.max_pool2d(nchw, kernel, stride, pad, ceil_mode=True)
    y, _ = max_pool2d(x, kernel, stride=stride, pad=pad, ceil_mode=True)
    np.testing.assert_array_equal(y, theirs.permute(0, 2, 3, 1))


def test_trap_6_max_pooling_pads_with_minus_infinity_not_zero():
    x = np.full((1, 4, 4, 1), -5.0)
    y, cache = max_pool2d(x, 3, stride=2, pad=1)
    np.testing.assert_array_equal(y, -5)
    assert max_pool2d_backward(np.ones_like(y), cache).sum() == y.size


def test_trap_3_pool3_rounds_up(rng):
    x = rng.standard_normal((1, 75, 75, 1))
    y, _ = max_pool2d(x, 2, stride=2, ceil_mode=True)
    assert y.shape == (1, 38, 38, 1)
    assert y[0, 37, 37, 0] == x[0, 74, 74, 0]
    assert max_pool2d(x, 2, stride=2)[0].shape == (1, 37, 37, 1)


@both
def test_the_stride_is_the_kernel_unless_given(kind, rng):
    x = rng.standard_normal((1, 6, 6, 2))
    pool = PAIRS[kind][0]
    np.testing.assert_array_equal(pool(x, (2, 3))[0], pool(x, (2, 3), stride=(2, 3))[0])


@both
def test_a_pad_as_large_as_the_kernel_is_refused(kind):
    with pytest.raises(ValueError, match="must be smaller than the kernel"):
        PAIRS[kind][0](np.zeros((1, 4, 4, 1)), 2, pad=2)


@both
def test_a_window_larger_than_the_map_is_refused(kind):
    with pytest.raises(ValueError, match="extent 5 does not fit into 4 cells"):
        PAIRS[kind][0](np.zeros((1, 4, 4, 1)), 5)


@both
def test_a_single_map_is_refused(kind):
    with pytest.raises(ValueError, match=r"\(N, H, W, C\).*\(4, 4, 1\)"):
        PAIRS[kind][0](np.zeros((4, 4, 1)), 2)


def test_global_pooling_has_one_window_the_whole_map(rng):
    x, dy = rng.standard_normal((2, 4, 5, 3)), rng.standard_normal((2, 3))
    y, cache = global_avg_pool2d(x)
    windowed, windowed_cache = avg_pool2d(x, (4, 5))
    np.testing.assert_allclose(y, windowed[:, 0, 0])
    dx = global_avg_pool2d_backward(dy, cache)
    np.testing.assert_allclose(dx, avg_pool2d_backward(dy[:, None, None], windowed_cache))
    dx += 1  # an array of its own, not a view of dy


def test_global_pooling_refuses_a_single_map():
    with pytest.raises(ValueError, match=r"\(N, H, W, C\).*\(4, 4, 1\)"):
        global_avg_pool2d(np.zeros((4, 4, 1)))


def test_a_padded_cell_wins_nothing_even_where_all_others_are_minus_infinity():
    x = np.full((1, 2, 2, 1), -np.inf)
    y, cache = max_pool2d(x, 3, stride=1, pad=1)
    assert (y == -np.inf).all()
    np.testing.assert_array_equal(max_pool2d_backward(np.ones_like(y), cache)[0, ..., 0], [[4, 0], [0, 0]])


@pytest.mark.parametrize("block", [1, 2000, 1 << 20])
@given(geometry=poolings(), seed=seeds)
def test_max_pooling_in_several_blocks_is_the_plain_operation(block, geometry, seed):
    """With ties, NaN, and infinities."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, geometry.x_shape).astype(float)
    x[rng.random(x.shape) < 0.1] = rng.choice([np.nan, np.inf, -np.inf])
    expected, plain = ops.max_pool2d(x, geometry.kernel, **geometry.options)
    dy = rng.standard_normal(expected.shape)
    with tuned(pooling_block=block):
        y, cache = max_pool2d(x, geometry.kernel, **geometry.options)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_allclose(max_pool2d_backward(dy, cache), ops.max_pool2d_backward(dy, plain), atol=1e-12)
        np.testing.assert_array_equal(max_pool2d(x, geometry.kernel, **geometry.options, need_cache=False)[0], y)


def test_no_maps_make_no_maps():
    y, cache = max_pool2d(np.zeros((0, 4, 6, 3)), 2)
    assert y.shape == (0, 2, 3, 3)
    assert max_pool2d_backward(y, cache).shape == (0, 4, 6, 3)


@pytest.mark.parametrize(("kernel", "options"), [(2, {"ceil_mode": True}), (3, {"stride": 1, "pad": 1})])
def test_a_byte_is_kept_for_each_maximum(kernel, options, rng):
    y, cache = max_pool2d(rng.standard_normal((2, 7, 7, 3)).astype(np.float32), kernel, **options)
    assert held_bytes(cache) == y.size


def test_a_kernel_of_more_cells_than_a_byte_counts(rng):
    x = rng.standard_normal((1, 18, 17, 2))
    (y, cache), (expected, plain) = max_pool2d(x, 17, stride=1), ops.max_pool2d(x, 17, stride=1)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(max_pool2d_backward(y, cache), ops.max_pool2d_backward(y, plain))
