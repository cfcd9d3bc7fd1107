"""Depthwise convolution in every geometry: a convolution that keeps the channels apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from minissd import naive
from minissd.engine import conv2d, conv2d_backward, depthwise_conv2d, depthwise_conv2d_backward
from minissd.engine.tuning import tuned
from minissd.properties.windows import convolutions, seeds


def draw(geometry, seed):
    """x, w, b and a cotangent for the output."""
    rng = np.random.default_rng(seed)
    channels = geometry.x_shape[3]
    x = rng.standard_normal(geometry.x_shape)
    w, b = rng.standard_normal((*geometry.kernel, channels)), rng.standard_normal(channels)
    dy = rng.standard_normal(depthwise_conv2d(x, w, b, **geometry.options)[0].shape)
    return x, w, b, dy


def both_passes(x, w, b, dy, options):
    y, cache = depthwise_conv2d(x, w, b, **options)
    return y, *depthwise_conv2d_backward(dy, cache)


def assert_close(ours, others):
    for array, other in zip(ours, others, strict=True):
        np.testing.assert_allclose(array, other, atol=1e-10)


@given(geometry=convolutions(), seed=seeds)
def test_forward_and_backward_are_the_loops(geometry, seed):
    x, w, b, dy = draw(geometry, seed)
    y = naive.depthwise_conv2d(x, w, b, **geometry.options)
    gradients = naive.depthwise_conv2d_backward(dy, x, w, **geometry.options)
    assert_close(both_passes(x, w, b, dy, geometry.options), (y, *gradients))


@given(geometry=convolutions(), seed=seeds)
def test_a_convolution_whose_kernel_is_zero_from_one_channel_to_another(geometry, seed):
    x, w, b, dy = draw(geometry, seed)
    y, dx, dw, db = both_passes(x, w, b, dy, geometry.options)
    dense_y, cache = conv2d(x, w[..., None] * np.eye(w.shape[2]), b, **geometry.options)
    dense_dx, dense_dw, dense_db = conv2d_backward(dy, cache)
    own = dense_dw.diagonal(axis1=2, axis2=3)  # of the weights from a channel to itself
    assert_close((y, dx, dw, db), (dense_y, dense_dx, own, dense_db))


@given(geometry=convolutions(), seed=seeds, filters=st.integers(1, 3))
def test_with_a_pointwise_convolution_behind_it_a_convolution_of_rank_one(geometry, seed, filters):
    """What "separable" means (lecture, appendix): w[ky, kx, c, d] = depthwise[ky, kx, c] * pointwise[c, d]."""
    x, w, _, _ = draw(geometry, seed)
    pointwise = np.random.default_rng(seed).standard_normal((w.shape[2], filters))
    y, _ = conv2d(depthwise_conv2d(x, w, **geometry.options)[0], pointwise[None, None])
    np.testing.assert_allclose(y, conv2d(x, w[..., None] * pointwise, **geometry.options)[0], atol=1e-10)


@given(geometry=convolutions(), seed=seeds, size=st.sampled_from([1, 200, 1000]), threads=st.integers(1, 2))
def test_the_size_of_a_block_and_the_number_of_threads_change_nothing(geometry, seed, size, threads):
    x, w, b, dy = draw(geometry, seed)
    whole = both_passes(x, w, b, dy, geometry.options)
    with tuned(im2col_block=size), threadpool_limits(threads, user_api="blas"):
        assert_close(both_passes(x, w, b, dy, geometry.options), whole)


@given(geometry=convolutions(), seed=seeds, size=st.sampled_from([1, 200, 1 << 20]))
def test_every_number_is_finished_once_and_what_is_kept_serves_again(geometry, seed, size):
    x, w, b, _ = draw(geometry, seed)
    y, _ = depthwise_conv2d(x, w, b, **geometry.options)

    def double(part):
        part *= 2

    kept = {}
    with tuned(im2col_block=size):
        for _ in range(2):
            twice, _ = depthwise_conv2d(x, w, b, **geometry.options, kept=kept, finish=double)
            np.testing.assert_allclose(twice, 2 * y, atol=1e-12)


def test_without_bias_and_without_dx(rng):
    x, w = rng.standard_normal((1, 4, 4, 2)), rng.standard_normal((3, 3, 2))
    y, cache = depthwise_conv2d(x, w)
    _, dw, db = depthwise_conv2d_backward(np.ones_like(y), cache)
    no_dx, same_dw, _ = depthwise_conv2d_backward(np.ones_like(y), cache, need_dx=False)
    assert db is None
    assert no_dx is None
    np.testing.assert_array_equal(same_dw, dw)


def test_no_images_give_no_output_and_a_gradient_of_zero(rng):
    x, w = np.zeros((0, 4, 5, 2)), rng.standard_normal((3, 3, 2))
    y, cache = depthwise_conv2d(x, w, pad=1)
    dx, dw, _ = depthwise_conv2d_backward(y, cache)
    assert y.shape == dx.shape == x.shape
    np.testing.assert_array_equal(dw, np.zeros_like(w))


MAP, KERNEL = np.zeros((1, 5, 5, 3)), np.zeros((3, 3, 3))
MISFITS = {
    "channels": ((MAP, KERNEL[:, :, :2]), [r"\(1, 5, 5, 3\)", r"\(3, 3, 2\)"]),
    "the kernel of conv2d": ((MAP, KERNEL[..., None]), [r"\(KH, KW, C\)", r"\(3, 3, 3, 1\)"]),
    "no batch": ((MAP[0], KERNEL), [r"\(5, 5, 3\)"]),
    "bias": ((MAP, KERNEL, np.zeros(2)), [r"\(2,\)", r"\(3, 3, 3\)"]),
    "kernel larger than the map": ((MAP[:, :2], KERNEL), ["extent 3", "2 cells"]),
}


@pytest.mark.parametrize(("arguments", "named"), MISFITS.values(), ids=MISFITS)
def test_misfits_are_named(arguments, named):
    with pytest.raises(ValueError) as raised:
        depthwise_conv2d(*arguments)
    for words in named:
        assert raised.match(words)
