"""Batch normalisation: what it makes of a batch, what it forgets, and what it remembers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd import naive
from minissd.engine import batch_norm, batch_norm_backward
from minissd.engine.tuning import tuned
from minissd.gradcheck import check_backward
from minissd.properties.windows import seeds

C = 3


def statistics():
    return np.zeros(C), np.ones(C)


def normalised(x, **options):
    return batch_norm(x, np.ones(C), np.zeros(C), *statistics(), train=True, **options)[0]


def maps(seed):
    return np.random.default_rng(seed).normal(2, 3, (2, 4, 3, C))


@given(seed=seeds)
def test_every_channel_gets_mean_0_and_variance_1(seed):
    y = normalised(maps(seed))
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=(0, 1, 2)), 1, rtol=1e-4)


@given(seed=seeds, scale=st.floats(0.5, 100), shift=st.floats(-50, 50))
def test_scale_and_shift_of_the_input_are_forgotten(seed, scale, shift):
    x = maps(seed)
    np.testing.assert_allclose(normalised(scale * x + shift, eps=1e-12), normalised(x, eps=1e-12), atol=1e-6)


@given(seed=seeds)
def test_forward_backward_and_statistics_are_the_loops(seed):
    rng = np.random.default_rng(seed)
    x, gamma, beta, mean, var = maps(seed), *rng.standard_normal((3, C)), rng.uniform(0.5, 2, C)
    dy = rng.standard_normal(x.shape)
    expected_y, expected_mean, expected_var = naive.batch_norm(x, gamma, beta, mean, var, train=True)
    y, cache = batch_norm(x, gamma, beta, mean, var, train=True)
    np.testing.assert_allclose(y, expected_y, atol=1e-10)
    np.testing.assert_allclose(mean, expected_mean)
    np.testing.assert_allclose(var, expected_var)
    expected = naive.batch_norm_backward(dy, x, gamma)
    for ours, loops in zip(batch_norm_backward(dy, cache), expected, strict=True):
        np.testing.assert_allclose(ours, loops, atol=1e-10)


@given(seed=seeds, size=st.sampled_from([1, 50, 100]))
def test_the_size_of_a_block_changes_nothing(seed, size):
    x, ones = maps(seed), np.ones(C)
    y, cache = batch_norm(x, ones, ones, *statistics(), train=True)
    gradients = batch_norm_backward(x, cache)
    with tuned(batch_norm_block=size):
        y_in_blocks, cache = batch_norm(x, ones, ones, *statistics(), train=True)
        np.testing.assert_allclose(y_in_blocks, y, atol=1e-10)
        for blocked, whole in zip(batch_norm_backward(x, cache), gradients, strict=True):
            np.testing.assert_allclose(blocked, whole, atol=1e-10)


def test_running_statistics_are_those_of_pytorch(rng):
    """The running variance is the unbiased one, divided by M - 1; with 4 values a channel that shows."""
    torch = pytest.importorskip("torch")
    layer = torch.nn.BatchNorm2d(C, dtype=torch.float64)
    mean, var = statistics()
    for _ in range(3):
        x = rng.normal(1, 2, (1, 2, 2, C))
        layer(torch.tensor(x).permute(0, 3, 1, 2))
        batch_norm(x, np.ones(C), np.zeros(C), mean, var, train=True)
    np.testing.assert_allclose(mean, layer.running_mean)
    np.testing.assert_allclose(var, layer.running_var)


def test_running_statistics_change_in_training_only(rng):
    x, (mean, var) = maps(0), statistics()
    batch_norm(x, np.ones(C), np.zeros(C), mean, var, train=False)
    np.testing.assert_array_equal([mean, var], statistics())
    batch_norm(x, np.ones(C), np.zeros(C), mean, var, train=True)
    assert (mean != 0).all()
    assert (var != 1).all()


@pytest.mark.parametrize("shape", [(1, 1, 1, C), (1, C), (C,)])
def test_one_value_a_channel_is_normalised_with_the_running_statistics(rng, shape):
    """It has no variance: y would be beta whatever x is, and the running variance would fall by 0.9 at each step."""
    x, (gamma, beta), mean, var = rng.normal(2, 3, shape), rng.standard_normal((2, C)), np.arange(C), np.full(C, 4.0)
    mean, before = mean.astype(float), np.array([mean, var])
    y, cache = batch_norm(x, gamma, beta, mean, var, train=True)
    np.testing.assert_allclose(y, gamma * (x - before[0]) / np.sqrt(4 + 1e-5) + beta)
    np.testing.assert_allclose(y, naive.batch_norm(x, gamma, beta, mean, var, train=True)[0])
    np.testing.assert_array_equal([mean, var], before)
    dy = rng.standard_normal(shape)
    np.testing.assert_allclose(batch_norm_backward(dy, cache)[0], dy * gamma / np.sqrt(4 + 1e-5))
    check_backward(
        lambda *inputs: batch_norm(*inputs, mean, var, train=True),
        batch_norm_backward,
        [x, gamma, beta],
        names=["x", "gamma", "beta"],
    )


@pytest.mark.parametrize("shape", [(2, 1, 1, C), (1, 1, 2, C), (1, 2, 1, C), (3, 1, 1, C)])
def test_two_or_three_values_a_channel_are_those_of_pytorch(rng, shape):
    torch = pytest.importorskip("torch")
    x, dy, (gamma, beta) = *rng.normal(1, 2, (2, *shape)), rng.standard_normal((2, C))
    ours, theirs = statistics(), [torch.tensor(array) for array in statistics()]
    inputs = [torch.tensor(array, requires_grad=True) for array in (np.moveaxis(x, -1, 1), gamma, beta)]
    expected = torch.nn.functional.batch_norm(inputs[0], *theirs, *inputs[1:], training=True)
    expected.backward(torch.tensor(np.moveaxis(dy, -1, 1)))
    y, cache = batch_norm(x, gamma, beta, *ours, train=True)
    np.testing.assert_allclose(y, np.moveaxis(expected.detach().numpy(), 1, -1), atol=1e-12)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other)
    dx, dgamma, dbeta = batch_norm_backward(dy, cache)
    np.testing.assert_allclose(dx, np.moveaxis(inputs[0].grad.numpy(), 1, -1), atol=1e-10)
    np.testing.assert_allclose([dgamma, dbeta], [each.grad.numpy() for each in inputs[1:]], atol=1e-10)


@pytest.mark.filterwarnings("error")
def test_a_batch_of_no_images_leaves_the_statistics_alone():
    mean, var = statistics()
    y, cache = batch_norm(np.zeros((0, 2, 2, C)), np.ones(C), np.zeros(C), mean, var, train=True)
    assert y.shape == (0, 2, 2, C)
    np.testing.assert_array_equal([mean, var], statistics())
    assert all((gradient == 0).all() for gradient in batch_norm_backward(y, cache))


def test_inference_treats_every_image_alone():
    x, (mean, var) = maps(0), (np.array([1.0, 2.0, 3.0]), np.array([4.0, 1.0, 9.0]))
    together = batch_norm(x, np.ones(C), np.zeros(C), mean, var, train=False)[0]
    alone = batch_norm(x[:1], np.ones(C), np.zeros(C), mean, var, train=False)[0]
    np.testing.assert_allclose(together[:1], alone)
    np.testing.assert_allclose(together, (x - mean) / np.sqrt(var + 1e-5))


def test_a_later_update_of_the_statistics_does_not_reach_an_earlier_backward_pass():
    x, (mean, var) = maps(0), statistics()
    _, cache = batch_norm(x, np.ones(C), np.zeros(C), mean, var, train=False)
    before = batch_norm_backward(np.ones_like(x), cache)
    batch_norm(x, np.ones(C), np.zeros(C), mean, var, train=True)
    for now, then in zip(batch_norm_backward(np.ones_like(x), cache), before, strict=True):
        np.testing.assert_array_equal(now, then)


@given(seed=seeds)
def test_no_gradient_along_what_is_forgotten(seed):
    """Scale and shift of the input do not change y, so dx is orthogonal to both."""
    x = maps(seed)
    _, cache = batch_norm(x, np.ones(C), np.zeros(C), *statistics(), train=True, eps=1e-12)
    dx, _, _ = batch_norm_backward(np.random.default_rng(seed + 1).standard_normal(x.shape), cache)
    np.testing.assert_allclose(dx.sum(axis=(0, 1, 2)), 0, atol=1e-10)
    np.testing.assert_allclose((dx * x).sum(axis=(0, 1, 2)), 0, atol=1e-9)


def test_a_large_mean_does_not_cost_the_variance_its_digits():
    """E[x^2] - E[x]^2 in float32 would give a variance of 0 or less here."""
    x = (1e4 + np.random.default_rng(0).standard_normal((64, C))).astype(np.float32)
    ones, zeros = np.ones(C, np.float32), np.zeros(C, np.float32)
    y, _ = batch_norm(x, ones, zeros, zeros.copy(), ones.copy(), train=True)
    np.testing.assert_allclose(y.var(axis=0), 1, rtol=1e-2)


@pytest.mark.parametrize("which", range(4))
def test_parameters_of_another_number_of_channels_are_named(which):
    parameters = [np.ones(C) for _ in range(4)]
    parameters[which] = np.ones(C + 1)
    with pytest.raises(ValueError, match=r"\(4,\).*\(2, 4, 3, 3\)"):
        batch_norm(maps(0), *parameters, train=True)
