"""Where the cells of a map lie: against what the backward pass reaches, and LeNet-5 by hand."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minissd.explain import Grid, grid_of, look, spread_over_image, tapped
from minissd.layers import AvgPool2d, Conv2d, ConvTranspose2d, GlobalAvgPool2d, Initializer, Linear, Upsample2d
from minissd.models import Classifier, build

SIDE = 48
WINDOWS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(0, 2), st.integers(1, 2)), min_size=1, max_size=2
)  # kernel, stride, pad, dilation


def wired(layers, side=SIDE):
    """A classifier with these layers before its mean; all parameters positive, so that nothing cancels."""
    init = Initializer(np.random.default_rng(0), "float64")
    layers = {name: make(init) for name, make in layers.items()}
    layers |= {"mean": GlobalAvgPool2d(), "linear": Linear(1, 1, init=init)}
    model = Classifier("windows", ("a",), layers=layers, input_size=side, init=init, pixel_mean=(0,), pixel_scale=1)
    for array in model.params.values():
        np.abs(array, out=array)
    return model


def seen_by(model, name, cell):
    """First and last + 1 pixel, along one side, that a cell's value depends on."""
    x = np.ones((1, model.input_size, model.input_size, 1))
    with tapped(model, name) as tap:
        y, cache = model.forward(x)
        tap.injected = np.zeros_like(tap.output)
        tap.injected[0, cell, cell] = 1
        dx, _ = model.backward(np.zeros_like(y), cache)
    rows = np.flatnonzero(np.abs(dx[0, :, :, 0]).max(axis=1))
    return rows[0], rows[-1] + 1


@given(WINDOWS, st.booleans())
def test_centre_and_reach_are_what_the_backward_pass_reaches(windows, pooled):
    layers = {
        f"conv{i}": lambda init, k=k, s=s, p=p, d=d: Conv2d(1, 1, k, init=init, stride=s, pad=p, dilation=d)
        for i, (k, s, p, d) in enumerate(windows)
    }
    last = f"conv{len(windows) - 1}"
    if pooled:
        layers["pool"], last = lambda init: AvgPool2d(3, stride=2), "pool"
    model = wired(layers)
    grid = grid_of(model, last)
    cells = look(model, [last], np.ones((1, SIDE, SIDE, 1)))[last].output.shape[1]
    centre = grid.centres(cells)[cells // 2]
    first, end = seen_by(model, last, cells // 2)
    assume(abs(centre - SIDE / 2) <= (SIDE - grid.reach) / 2)  # nothing of what it sees lies outside
    assert (first + end) / 2 == centre
    assert end - first <= grid.reach
    if all(d == 1 for *_, d in windows) and all(s <= k for k, s, *_ in windows):
        assert end - first == grid.reach  # without holes both ends are seen


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 1))
def test_a_transposed_convolution_takes_the_way_back(kernel, stride, pad):
    assume(pad < kernel)
    there = {"conv": lambda init: Conv2d(1, 1, kernel, init=init, stride=stride, pad=pad)}
    back = there | {"up": lambda init: ConvTranspose2d(1, 1, kernel, init=init, stride=stride, pad=pad)}
    grid = grid_of(wired(back), "up")
    assert (grid.first, grid.step) == pytest.approx((0.5, 1.0))


def test_upsampled_cells_share_the_place_of_theirs():
    layers = {"pool": lambda init: AvgPool2d(4), "up": lambda init: Upsample2d(4)}
    assert grid_of(wired(layers), "up")[:2] == pytest.approx((0.5, 1.0))


def test_lenet5():
    """28 pixels: C3 has 10 cells, the outermost with their centres 5 pixels from the edge; each sees 14 pixels."""
    model = build("lenet5", classes=tuple("0123456789"))
    assert grid_of(model, "c1") == (0.5, 1, 5)
    assert grid_of(model, "s2") == (1, 2, 6)
    assert grid_of(model, "c3") == (5, 2, 14)
    assert grid_of(model, "s4") == (6, 4, 16)


def test_heads_and_layers_that_hand_on_their_input():
    model = build("lenet5", classes=("0", "1"), dropout=0.5)
    assert grid_of(model, "relu3") == grid_of(model, "c3")
    ssd = build("ssd-tiny", classes=("a",), input_size=64)
    before, head = grid_of(ssd, "stage1.relu1"), grid_of(ssd, "head1.logits")
    assert head == Grid(before.first, before.step, before.reach + 2 * before.step)


def test_where_ways_join_the_cells_are_spread_evenly():
    model = build("unet", classes=("person",), input_size=32, width=2)
    assert grid_of(model, "decoder1.conv0")[:2] == (0.5, 1.0)
    assert grid_of(model, "encoder1.conv0") == (0.5, 1, 3)


@given(st.integers(1, 6), st.integers(0, 5), st.integers(1, 5))
def test_values_stay_at_their_cells_and_are_linear_between(cells, first, step):
    size = 2 * first + step * cells
    grid = Grid(first + 0.5, step, 1)
    ramp = np.arange(cells, dtype=float)
    maps = np.broadcast_to(ramp[None, :, None] + 10 * ramp, (1, cells, cells))
    spread = spread_over_image(maps, grid, size)
    at = first + step * np.arange(cells)
    np.testing.assert_allclose(spread[0][np.ix_(at, at)], maps[0], atol=1e-9)
    pixels = np.clip((np.arange(size) - first) / step, 0, cells - 1)
    np.testing.assert_allclose(spread[0], pixels[:, None] + 10 * pixels, atol=1e-9)


def test_channels_are_spread_one_by_one(rng):
    maps = rng.standard_normal((2, 3, 4, 3))
    grid = Grid(2.0, 3.0, 1)
    together = spread_over_image(maps, grid, 12)
    for k in range(3):
        np.testing.assert_allclose(together[..., k], spread_over_image(maps[..., k], grid, 12))
