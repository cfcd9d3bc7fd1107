"""The backward pass of an SSD: gradients of heads and trunk meet at the maps and add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minissd.models import build
from minissd.properties.windows import seeds

SIZE = 64
BOXES = 6 * (8 * 8 + 4 * 4 + 2 * 2 + 1)


@pytest.fixture(scope="module")
def after_forward():
    """A model and its caches from a forward pass in training."""
    model = build("ssd-tiny", classes=("a", "b"), input_size=SIZE, dtype="float64")
    images = np.random.default_rng(0).standard_normal((2, SIZE, SIZE, 3))
    _, caches = model.forward(images, train=True)
    return model, caches


def random_gradients(rng):
    return rng.standard_normal((2, BOXES, 4)), rng.standard_normal((2, BOXES, 3))


def on_one_map(dy, part):
    """The gradients with those of all other maps set to 0."""
    alone = tuple(np.zeros_like(d) for d in dy)
    for target, d in zip(alone, dy, strict=True):
        target[:, part] = d[:, part]
    return alone


def everything(model, dy, caches):
    d_images, grads = model.backward(dy, caches)
    return grads | {"images": d_images}


@settings(max_examples=4)
@given(seeds)
def test_the_gradients_of_the_maps_add_up(after_forward, seed):
    """The trunk carries every map's gradient: all of them at once is the sum of one after the other."""
    model, caches = after_forward
    dy = random_gradients(np.random.default_rng(seed))
    whole = everything(model, dy, caches)
    parts = [everything(model, on_one_map(dy, part), caches) for part in model.spec.slices]
    for name, grad in whole.items():
        total = sum(one[name] for one in parts)
        np.testing.assert_allclose(grad, total, rtol=0, atol=1e-10 * np.abs(total).max())


def test_a_map_sends_its_gradient_to_its_head_and_down_the_trunk_only(after_forward, rng):
    model, caches = after_forward
    for i, part in enumerate(model.spec.slices):
        grads = everything(model, on_one_map(random_gradients(rng), part), caches)
        reached = {name.split(".")[0] for name, grad in grads.items() if grad.any()}
        assert reached == {"images", f"head{i}", *(f"stage{j}" for j in range(i + 1))}


@settings(max_examples=4)
@given(seeds, st.floats(-3, 3))
def test_backward_is_linear(after_forward, seed, factor):
    model, caches = after_forward
    rng = np.random.default_rng(seed)
    one, other = random_gradients(rng), random_gradients(rng)
    mixed = tuple(a + factor * b for a, b in zip(one, other, strict=True))
    left, right = everything(model, one, caches), everything(model, other, caches)
    for name, grad in everything(model, mixed, caches).items():
        expected = left[name] + factor * right[name]
        np.testing.assert_allclose(grad, expected, rtol=0, atol=1e-10 * max(np.abs(expected).max(), 1))


def test_gradients_are_named_and_shaped_like_the_parameters_with_or_without_dx(after_forward, rng):
    model, caches = after_forward
    dy = random_gradients(rng)
    d_images, grads = model.backward(dy, caches)
    nothing, without = model.backward(dy, caches, need_dx=False)
    assert d_images.shape == (2, SIZE, SIZE, 3)
    assert nothing is None
    for found in (grads, without):
        assert {n: g.shape for n, g in found.items()} == {n: p.shape for n, p in model.params.items()}
    for name, grad in grads.items():
        np.testing.assert_array_equal(without[name], grad)
