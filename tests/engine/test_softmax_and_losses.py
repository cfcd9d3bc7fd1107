"""Softmax and the losses: invariances, limits, and logits that would overflow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd import naive
from minissd.engine import (
    binary_cross_entropy,
    binary_cross_entropy_backward,
    cross_entropy,
    cross_entropy_backward,
    log_softmax,
    smooth_l1,
    smooth_l1_backward,
    softmax,
)
from minissd.properties.windows import seeds


def logits(seed, shape=(4, 5)):
    return 3 * np.random.default_rng(seed).standard_normal(shape)


@given(seed=seeds, shift=st.floats(-100, 100))
def test_softmax_sums_to_one_and_ignores_a_shift(seed, shift):
    x = logits(seed)
    np.testing.assert_allclose(softmax(x).sum(axis=-1), 1)
    np.testing.assert_allclose(softmax(x + shift), softmax(x), atol=1e-12)
    np.testing.assert_allclose(np.exp(log_softmax(x)), softmax(x))


@given(seed=seeds)
def test_softmax_keeps_the_order_of_the_logits(seed):
    x = logits(seed)
    np.testing.assert_array_equal(softmax(x).argsort(axis=-1), x.argsort(axis=-1))


def test_softmax_of_two_classes_is_the_sigmoid():
    x = np.linspace(-5, 5, 11)
    np.testing.assert_allclose(softmax(np.stack([x, 0 * x], axis=-1))[:, 0], 1 / (1 + np.exp(-x)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_trap_13_huge_logits_neither_overflow_nor_give_minus_infinity(dtype):
    x = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4], [800, 801, 0]], dtype=dtype)
    labels = np.array([2, 0, 1])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        log_p = log_softmax(x)
        loss, cache = cross_entropy(x, labels)
        d_logits = cross_entropy_backward(cache)
    assert np.isfinite(log_p).all()
    np.testing.assert_allclose(log_p[0], [0, -1e4, -2e4])
    np.testing.assert_allclose(log_p[1], -np.log(3), rtol=1e-6)
    np.testing.assert_allclose(loss, (2e4 + np.log(3) + np.log1p(np.exp(-1.0))) / 3, rtol=1e-5)
    np.testing.assert_allclose(d_logits[0], [1 / 3, 0, -1 / 3], atol=1e-6)


@given(seed=seeds)
def test_cross_entropy_of_equal_logits_is_the_log_of_the_number_of_classes(seed):
    labels = np.random.default_rng(seed).integers(0, 7, (2, 3))
    loss, _ = cross_entropy(np.zeros((2, 3, 7)), labels)
    np.testing.assert_allclose(loss, np.log(7))


@pytest.mark.parametrize("label", [-1, 3])
def test_the_loops_take_no_label_that_is_none(label):
    labels = np.array([0, label])
    with pytest.raises(ValueError, match="0 to 2"):
        naive.cross_entropy(np.zeros((2, 3)), labels)
    with pytest.raises(ValueError, match="0 to 2"):
        naive.multibox_loss(np.zeros((1, 2, 4)), np.zeros((1, 2, 3)), np.zeros((1, 2, 4)), labels[None])


@given(seed=seeds)
def test_the_gradient_of_cross_entropy_sums_to_zero_over_the_classes(seed):
    """A shift of all logits of a row changes nothing."""
    labels = np.random.default_rng(seed).integers(0, 5, 4)
    d_logits = cross_entropy_backward(cross_entropy(logits(seed), labels)[1])
    np.testing.assert_allclose(d_logits.sum(axis=-1), 0, atol=1e-12)
    assert (np.take_along_axis(d_logits, labels[:, None], axis=-1) < 0).all()


POINTS = [(0, 0, 0), (0.5, 0.125, 0.5), (1, 0.5, 1), (3, 2.5, 1), (1e6, 1e6 - 0.5, 1)]


@pytest.mark.parametrize(("d", "loss", "slope"), POINTS)
@pytest.mark.parametrize("sign", [1, -1])
def test_smooth_l1_is_quadratic_inside_and_linear_outside(d, loss, slope, sign):
    value, cache = smooth_l1(np.array([2.0 + sign * d]), np.array([2.0]))
    np.testing.assert_allclose(value, loss)
    np.testing.assert_allclose(smooth_l1_backward(cache), [sign * slope])


@pytest.mark.parametrize("kink", [-1.0, 1.0])
def test_smooth_l1_and_its_slope_are_continuous_where_the_pieces_meet(kink):
    d = kink + np.array([-1e-9, 1e-9])
    values = [smooth_l1(d[i : i + 1], np.zeros(1))[0] for i in range(2)]
    np.testing.assert_allclose(values, 0.5, atol=1e-8)
    _, cache = smooth_l1(d, np.zeros(2), reduction="sum")
    np.testing.assert_allclose(smooth_l1_backward(cache), kink, atol=1e-8)


@given(seed=seeds)
def test_binary_cross_entropy_is_cross_entropy_of_two_classes(seed):
    """Logits (0, z): softmax gives sigmoid(z) to class 1."""
    rng = np.random.default_rng(seed)
    z, labels = 3 * rng.standard_normal(8), rng.integers(0, 2, 8)
    two, two_cache = cross_entropy(np.stack([0 * z, z], axis=-1), labels)
    for target in (labels.astype(float), labels.astype(bool)):
        loss, cache = binary_cross_entropy(z, target)
        np.testing.assert_allclose(loss, two)
        np.testing.assert_allclose(binary_cross_entropy_backward(cache), cross_entropy_backward(two_cache)[:, 1])


@given(seed=seeds, t=st.floats(0.01, 0.99))
def test_binary_cross_entropy_is_least_where_the_probability_is_the_target(seed, t):
    z = np.log(t / (1 - t))
    _, cache = binary_cross_entropy(np.array([z]), np.array([t]))
    np.testing.assert_allclose(binary_cross_entropy_backward(cache), 0, atol=1e-12)
    other = z + np.random.default_rng(seed).choice([-1, 1])
    assert binary_cross_entropy(np.array([other]), np.array([t]))[0] > binary_cross_entropy(*cache[:2])[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_binary_cross_entropy_takes_huge_logits(dtype):
    z, target = np.array([1e4, 1e4, -1e4, -1e4], dtype), np.array([1, 0, 1, 0], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, cache = binary_cross_entropy(z, target, reduction="sum")
        dz = binary_cross_entropy_backward(cache)
    np.testing.assert_allclose(loss, 2e4)
    np.testing.assert_allclose(dz, [0, 1, -1, 0])


ROWS, LABELS = np.linspace(-2, 2, 12).reshape(3, 4), np.array([0, 1, 3])
LOSSES = {
    "cross_entropy": (cross_entropy, cross_entropy_backward, (ROWS, LABELS)),
    "smooth_l1": (smooth_l1, smooth_l1_backward, (ROWS, np.zeros_like(ROWS))),
    "binary_cross_entropy": (binary_cross_entropy, binary_cross_entropy_backward, (ROWS, ROWS > 0)),
}
every_loss = pytest.mark.parametrize(("loss", "backward", "inputs"), LOSSES.values(), ids=LOSSES)


@every_loss
def test_the_sum_is_the_mean_times_the_number_of_terms(loss, backward, inputs):
    terms = inputs[1].size  # labels, or entries of the target
    mean, mean_cache = loss(*inputs)
    total, sum_cache = loss(*inputs, reduction="sum")
    np.testing.assert_allclose(total, terms * mean)
    np.testing.assert_allclose(backward(sum_cache), terms * backward(mean_cache))
    np.testing.assert_allclose(backward(sum_cache, 0.25), backward(sum_cache) / 4)


@every_loss
def test_no_rows_give_loss_0_and_an_empty_gradient(loss, backward, inputs):
    value, cache = loss(*(array[:0] for array in inputs))
    assert value == 0
    assert backward(cache).shape == inputs[0][:0].shape


@every_loss
def test_shapes_that_do_not_fit_and_unknown_reductions_are_named(loss, backward, inputs):
    with pytest.raises(ValueError, match=r"\(3, .*\(2"):
        loss(inputs[0], inputs[1][:2])
    with pytest.raises(ValueError, match="'median'"):
        loss(*inputs, reduction="median")
