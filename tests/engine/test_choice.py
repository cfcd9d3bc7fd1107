"""Which algorithm "auto" takes: the one of least cost, for the forward pass and for the gradients."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.engine import ALGORITHMS, conv2d, conv2d_backward
from minissd.engine.tuning import Cost, shipped, tuned
from minissd.ops.windows import Windows
from minissd.properties.windows import convolutions

# (x_shape, kernel, filters, options), and what is the fastest for each pass on the machine of the shipped tuning, where
# one is by far
FASTEST = {
    "many channels": ((16, 15, 15, 128), 3, 128, {"pad": 1}, "winograd", "winograd"),
    "fc6": ((1, 19, 19, 512), 3, 1024, {"pad": 6, "dilation": 6}, "winograd", "winograd"),
    "fewer channels": ((4, 60, 60, 32), 3, 64, {"pad": 1}, "winograd-rows", "winograd-rows"),
    "a photograph": ((4, 240, 240, 3), 3, 16, {"pad": 1, "stride": 2}, "im2col", "im2col"),
    "stride 2": ((16, 120, 120, 16), 3, 32, {"pad": 1, "stride": 2}, None, "strided"),
    "stride 2 of a small map": ((16, 8, 8, 128), 3, 128, {"pad": 1, "stride": 2}, "im2col", "im2col"),
    "four outputs": ((1, 38, 38, 256), 5, 4, {"pad": 2}, "taps", "im2col"),
    "digits": ((64, 28, 28, 1), 5, 6, {"pad": 2}, "banded", "banded"),
    "one cell a window": ((4, 19, 19, 256), 1, 256, {}, "im2col", "im2col"),
}


def taken(x_shape, kernel, filters, options, need_dx=True):
    """Names of the algorithms that would compute the two passes of a convolution."""
    ran = []

    def noting(name):
        def forward(x, w, b, windows, finish, kept=None):
            ran.append(name)
            return np.zeros((len(x), *windows.out, filters), np.float32)

        def gradients(*_):
            ran.append(name)
            return None, None

        return replace(ALGORITHMS[name], forward=forward, gradients=gradients)

    with pytest.MonkeyPatch.context() as patch:
        for name in list(ALGORITHMS):
            patch.setitem(ALGORITHMS, name, noting(name))
        x, w = np.zeros(x_shape, np.float32), np.zeros((kernel, kernel, x_shape[3], filters), np.float32)
        y, cache = conv2d(x, w, **options)
        conv2d_backward(y, cache, need_dx=need_dx)
    return ran


@pytest.mark.parametrize("case", FASTEST)
def test_the_shipped_tuning_takes_what_is_fastest(case):
    *convolution, forward, gradients = FASTEST[case]
    found = taken(*convolution, need_dx=case != "a photograph")
    assert found == [forward or found[0], gradients or found[1]]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_costs_nothing_is_taken_wherever_it_can(name):
    free = replace(shipped(), costs=shipped().costs | {name: Cost(0, 0, 0, 0, 0)})
    for x_shape, kernel, filters, options, *_ in FASTEST.values():
        supported = ALGORITHMS[name].supports(Windows.over(x_shape, (kernel, kernel), **options))
        with tuned(free):
            found = taken(x_shape, kernel, filters, options)
        assert (found[0] == name) == supported
        if ALGORITHMS[name].gradients_work:
            assert (found[1] == name) == supported


@given(convolutions(), st.integers(1, 9))
def test_more_images_cost_more_and_more_threads_less(geometry, filters):
    windows = Windows.over(geometry.x_shape, geometry.kernel, **geometry.options)
    twice = Windows.over((2 * windows.x_shape[0], *windows.x_shape[1:]), geometry.kernel, **geometry.options)
    for algorithm in ALGORITHMS.values():
        if not algorithm.supports(windows):
            continue
        for need_dx in (None, False, True):
            cost = algorithm.cost(windows, filters, need_dx)
            assert 0 < cost <= algorithm.cost(twice, filters, need_dx)
            assert cost / 2 <= algorithm.cost(windows, filters, need_dx, threads=2) <= cost
