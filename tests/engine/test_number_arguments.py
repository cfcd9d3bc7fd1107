"""Strides, pads, rates and the like: numbers of NumPy count as Python's, and others are refused with a sentence."""

import numpy as np
import pytest

from minissd import engine


@pytest.mark.parametrize("number", [2, np.int64(2), np.uint8(2), np.array(2)], ids=repr)
def test_whole_numbers_are_those_of_numpy_too(number, rng):
    x, w = rng.standard_normal((1, 9, 8, 3)), rng.standard_normal((2, 2, 3, 4))
    options = {"stride": number, "pad": (number, 1), "dilation": number}
    plain = {"stride": 2, "pad": (2, 1), "dilation": 2}
    same = np.testing.assert_array_equal
    same(engine.conv2d(x, w, **options)[0], engine.conv2d(x, w, **plain)[0])
    same(engine.depthwise_conv2d(x, w[..., 0], **options)[0], engine.depthwise_conv2d(x, w[..., 0], **plain)[0])
    w_back = w.swapaxes(2, 3)
    wide, plain_wide = (engine.conv_transpose2d(x, w_back, stride=one, pad=1)[0] for one in (number, 2))
    same(wide, plain_wide)
    same(engine.max_pool2d(x, number, stride=number)[0], engine.max_pool2d(x, 2)[0])
    same(engine.avg_pool2d(x, (number, 3), pad=(number // 2, 1))[0], engine.avg_pool2d(x, (2, 3), pad=(1, 1))[0])
    same(engine.upsample2d(x, number)[0], engine.upsample2d(x, 2)[0])
    same(engine.im2col(x, number, number), engine.im2col(x, 2, 2))
    assert engine.output_size(np.int64(9), number, number, number, number) == engine.output_size(9, 2, 2, 2, 2)


NOT_WHOLE = [1.0, 1.5, -1, "1", None, True, np.float64(2), np.True_, (1, 2, 3), (1, 1.5), np.nan]


@pytest.mark.parametrize("number", NOT_WHOLE)
@pytest.mark.parametrize("option", ["stride", "pad", "dilation", "kernel", "factor"])
def test_what_is_no_whole_number_is_refused(option, number):
    x, w = np.ones((1, 6, 6, 3)), np.ones((2, 2, 3, 4))
    calls = {
        "kernel": [lambda: engine.max_pool2d(x, number), lambda: engine.im2col(x, number)],
        "factor": [lambda: engine.upsample2d(x, number)],
        "dilation": [lambda: engine.conv2d(x, w, dilation=number), lambda: engine.effective_kernel(3, number)],
    }
    both = [
        lambda: engine.conv2d(x, w, **{option: number}),
        lambda: engine.depthwise_conv2d(x, w[..., 0], **{option: number}),
        lambda: engine.conv_transpose2d(x, w.swapaxes(2, 3), **{option: number}),
    ]
    for call in calls.get(option, both):
        with pytest.raises(ValueError, match=r"whole number|pad must be"):
            call()


@pytest.mark.parametrize("option", ["stride", "dilation", "kernel", "factor"])
def test_zero_is_a_pad_and_nothing_else(option):
    test_what_is_no_whole_number_is_refused(option, 0)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, np.nan, "0.5", None, np.array([0.1, 0.2])], ids=repr)
@pytest.mark.parametrize("drop", [engine.dropout, engine.spatial_dropout])
def test_rates_that_are_no_part_of_all_are_refused(drop, rate):
    for train in (True, False):
        with pytest.raises(ValueError, match=r"in \[0, 1\)"):
            drop(np.ones((1, 2, 2, 1)), rate, np.random.default_rng(0), train)


def test_dropout_without_a_generator_says_what_it_needs():
    with pytest.raises(TypeError, match="numpy.random.Generator"):
        engine.dropout(np.ones(3), 0.5, None)


def test_numbers_of_numpy_do_not_change_the_dtype(rng):
    x = rng.standard_normal((2, 3)).astype(np.float32)
    half, drawn = np.float64(0.5), np.random.default_rng(0)
    rows = [
        (engine.leaky_relu, engine.leaky_relu_backward, (x, half)),
        (engine.dropout, engine.dropout_backward, (x, half, drawn)),
        (engine.l2_normalize, lambda dy, cache: engine.l2_normalize_backward(dy, cache)[0], (x, x[0], half)),
    ]
    for forward, backward, arguments in rows:
        y, cache = forward(*arguments)
        assert y.dtype == backward(np.ones_like(y), cache).dtype == np.float32
    y, _ = engine.batch_norm(x, *(np.ones((4, 3), np.float32)), train=True, momentum=half, eps=half)
    assert y.dtype == np.float32


@pytest.mark.parametrize("options", [{"momentum": 2}, {"momentum": np.nan}, {"eps": -1}])
def test_statistics_that_mean_nothing_are_refused(options):
    with pytest.raises(ValueError, match="momentum in"):
        engine.batch_norm(np.ones((2, 3)), *np.ones((4, 3)), train=True, **options)
