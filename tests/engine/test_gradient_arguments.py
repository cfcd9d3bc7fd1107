"""A gradient that does not fit y is refused with a sentence: by every operation, layer, loss and model."""

import numpy as np
import pytest

from minissd import engine
from minissd.gradcheck import cases as checks
from minissd.layers import Flatten

LOSSES = [name for name in checks.CASES if "entropy" in name or "loss" in name or "smooth_l1" in name]


def first(arrays):
    return arrays[0] if isinstance(arrays, tuple) else arrays


def wrong_shapes(dy):
    """Gradients of other shapes: of one image less, of one that broadcasts, of as many numbers in another order."""
    if dy.ndim:
        yield dy[:-1]
        yield np.repeat(dy, 2, axis=0)
        yield dy[:1] if len(dy) > 1 else np.concatenate([dy, dy])
        yield dy.reshape(-1) if dy.ndim > 1 else dy[:, None]
        yield dy[0]
        yield np.ones(())
    if dy.ndim > 2:
        yield np.moveaxis(dy, -1, 1).copy()
    yield np.ones(3)
    yield dy[None]


@pytest.mark.parametrize("name", checks.CASES)
def test_a_gradient_that_is_not_of_the_shape_of_y_is_refused(name, rng):
    """All cases of `minissd gradcheck`: every operation, every algorithm, layers, losses and whole models."""
    forward, backward, inputs = checks.CASES[name](rng)
    y, cache = forward(*inputs)
    shape = np.shape(first(y))
    for dy in wrong_shapes(np.asarray(first(y))):
        if dy.shape == shape:
            continue
        with pytest.raises(ValueError, match="_backward") as raised:
            backward((dy, *y[1:]) if isinstance(y, tuple) else dy, cache)
        message = str(raised.value)
        assert "\n" not in message
        assert message.count("(") >= 2, message  # both shapes
        if not isinstance(y, tuple):
            assert str(shape) in message and (dy.size == 1 or str(dy.shape) in message), message


@pytest.mark.parametrize("name", [name for name in checks.CASES if name not in LOSSES])
def test_a_gradient_of_other_floats_is_taken_in_those_of_y_and_one_of_integers_refused(name, rng):
    forward, backward, inputs = checks.CASES[name](rng)
    y, cache = forward(*inputs)
    if isinstance(y, tuple):
        pytest.skip("of a model that returns several")
    dy = np.round(rng.standard_normal(y.shape) * 8) / 8  # exact in float32
    expected, found = backward(dy, cache), backward(dy.astype(np.float32), cache)
    expected, found = (arrays if isinstance(arrays, tuple) else (arrays,) for arrays in (expected, found))
    for ours, right in zip(found, expected, strict=True):
        assert ours.dtype == np.float64
        np.testing.assert_array_equal(ours, right)
    with pytest.raises(TypeError, match="int64"):
        backward(np.ones(y.shape, np.int64), cache)


def test_flatten_refuses_the_gradient_of_another_batch():
    y, cache = Flatten().forward(np.zeros((2, 3, 4, 5)))
    with pytest.raises(ValueError, match=r"\(1, 60\).*\(2, 60\)"):
        Flatten().backward(y[:1], cache)


def test_a_gradient_of_one_image_for_two_is_refused_by_both_shapes():
    """In place of memory that nobody wrote."""
    y, cache = engine.conv2d(np.ones((2, 5, 5, 3)), np.ones((3, 3, 3, 4)), pad=1)
    with pytest.raises(ValueError, match=r"\(1, 5, 5, 4\).*\(2, 5, 5, 4\)"):
        engine.conv2d_backward(y[:1], cache)


@pytest.mark.parametrize("dloss", [np.ones(1), np.ones((2, 3)), None], ids=repr)
@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_a_loss_is_one_number(name, dloss, rng):
    forward, backward, inputs = checks.CASES[name](rng)
    _, cache = forward(*inputs)
    with pytest.raises(ValueError, match=r"_backward: dloss has the shape .* returned one of \(\)"):
        backward(dloss, cache)
