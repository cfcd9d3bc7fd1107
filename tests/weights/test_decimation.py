"""Decimation keeps what it says, and the atrous fc6 is the dense one without the dropped weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from minissd.engine import conv2d, linear
from minissd.weights import decimate, dense_to_convolution

OUTPUTS, CHANNELS = 8, 5  # of fc6, which reads a 7x7 map
TAPS = (0, 3, 6)


@given(array_shapes(max_dims=4, max_side=7), st.data())
def test_every_kept_entry_is_where_it_belongs(shape, data):
    array = np.arange(np.prod(shape)).reshape(shape)
    steps = tuple(data.draw(st.integers(1, 9)) for _ in shape)
    kept = decimate(array, steps)
    assert kept.shape == tuple(-(-size // step) for size, step in zip(shape, steps))
    for index in np.ndindex(kept.shape):
        assert kept[index] == array[tuple(i * step for i, step in zip(index, steps))]


@pytest.mark.parametrize("steps", [(3,), (3, 3, 1), (3, 0), ()])
def test_steps_that_do_not_fit(steps):
    with pytest.raises(ValueError, match=r"\(7, 7\) needs 2 steps"):
        decimate(np.ones((7, 7)), steps)


def test_a_dense_layer_as_a_convolution(rng):
    """It reads its map in the order channel, row, column, as PyTorch and Caffe flatten it."""
    weight = rng.normal(size=(OUTPUTS, CHANNELS * 3 * 4))
    x = rng.normal(size=(2, 3, 4, CHANNELS))
    dense, _ = linear(x.transpose(0, 3, 1, 2).reshape(2, -1), weight.T, np.zeros(OUTPUTS))
    y, _ = conv2d(x, dense_to_convolution(weight, (3, 4)), np.zeros(OUTPUTS))
    np.testing.assert_allclose(y.reshape(2, OUTPUTS), dense)


def test_a_dense_layer_of_another_map():
    with pytest.raises(ValueError, match="7x7"):
        dense_to_convolution(np.ones((4, 48)), (7, 7))


@pytest.fixture
def layer(rng):
    """weight (outputs, C*7*7) and bias of a dense fc6, and a map (1, 7, 7, C) to read."""
    return (
        rng.normal(size=(OUTPUTS, CHANNELS * 49)),
        rng.normal(size=OUTPUTS),
        rng.normal(size=(1, 7, 7, CHANNELS)),
    )


def dense_without_the_dropped(layer):
    """The dense layer with all weights zero but those of the taps 0, 3 and 6; outputs 0, 4, ..."""
    weight, bias, x = layer
    zeroed = np.zeros((OUTPUTS, CHANNELS, 7, 7))
    for row in TAPS:
        for column in TAPS:
            zeroed[:, :, row, column] = weight.reshape(zeroed.shape)[:, :, row, column]
    y, _ = linear(x.transpose(0, 3, 1, 2).reshape(1, -1), zeroed.reshape(OUTPUTS, -1).T, bias)
    return y[0, ::4]


def atrous(layer):
    """w (3, 3, C, outputs / 4), b: decimated as SSD does it."""
    weight, bias, _ = layer
    return decimate(dense_to_convolution(weight, (7, 7)), (3, 3, 1, 4)), decimate(bias, (4,))


def test_dilation_3_on_the_map_of_the_dense_layer(layer):
    y, _ = conv2d(layer[2], *atrous(layer), dilation=3)
    np.testing.assert_allclose(y[0, 0, 0], dense_without_the_dropped(layer))


def test_dilation_6_on_a_map_twice_as_fine(layer, rng):
    """pool5 with stride 1 leaves a map whose every second cell is the map that the dense layer read."""
    fine = rng.normal(size=(1, 13, 13, CHANNELS))
    fine[:, ::2, ::2] = layer[2]
    y, _ = conv2d(fine, *atrous(layer), dilation=6)
    np.testing.assert_allclose(y[0, 0, 0], dense_without_the_dropped(layer))
