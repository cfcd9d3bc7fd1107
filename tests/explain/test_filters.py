"""Gradient ascent on the input: it rises, to the known optimum where there is one, and repeats itself."""

import numpy as np
import pytest

from minissd.errors import MinissdError
from minissd.explain import exciting_images, filters
from minissd.models import build


def rise(model, layer="conv", which=(0, 1), seed=0, **options):
    return exciting_images(model, layer, list(which), np.random.default_rng(seed), **options)


def test_a_filter_of_single_pixels_ends_at_the_colour_it_likes_best(toy):
    """y = w . x is largest for 255 where w > 0 and 0 where w < 0."""
    model = toy(kernel=1)
    w = model.params["conv.w"]
    w[...] = np.sign(w)
    ascent = rise(model, which=(0, 1, 2, 3), steps=60)
    likes = w[0, 0].T > 0  # (4 filters, 3 colours)
    expected = np.where(likes, 255, 0)[:, None, None]
    np.testing.assert_array_equal(ascent.images, np.broadcast_to(expected, ascent.images.shape))


def test_the_slope_is_that_of_the_mean_activation(toy, rng):
    model = toy(relu=True, stride=2)
    x, direction = rng.standard_normal((2, 2, 16, 16, 3))
    with filters.tapped(model, "relu") as tap:
        _, slope = filters._climb(model, tap, "relu", [3, 1], x)
    means = [
        dict(model.trace(x + h * direction))["relu"][[0, 1], :, :, [3, 1]].mean(axis=(1, 2)) for h in (1e-6, -1e-6)
    ]
    np.testing.assert_allclose((slope * direction).sum(axis=(1, 2, 3)), (means[0] - means[1]) / 2e-6, rtol=1e-5)


@pytest.mark.parametrize("layer", ["stage0.bn3", "stage2.conv0", "head0.logits"])
def test_activations_rise_in_a_detector(layer):
    model = build("ssd-tiny", classes=("a", "b"), input_size=32)
    steps = []
    ascent = rise(model, layer, steps=12, jitter=2, report=steps.append)
    assert steps == list(range(1, 13))
    assert (ascent.end >= ascent.start).all() and ascent.end.sum() > 0
    assert ascent.rise > 1.2
    assert ascent.images.shape == (2, 32, 32, 3) and ascent.images.dtype == np.uint8


def test_the_seed_decides_and_jitter_matters(toy):
    model = toy(relu=True, kernel=5)
    first = rise(model, steps=4)
    np.testing.assert_array_equal(rise(model, steps=4).images, first.images)
    assert (rise(model, steps=4, seed=1).images != first.images).any()
    assert (rise(model, steps=4, jitter=0).images != first.images).any()


def test_the_model_is_not_changed():
    model = build("ssd-tiny", classes=("a",), input_size=32)
    before = {name: array.copy() for name, array in (model.params | model.buffers).items()}
    rise(model, "stage0.bn1", steps=2)
    for name, array in (model.params | model.buffers).items():
        np.testing.assert_array_equal(array, before[name])


def test_a_filter_that_is_silent_in_the_noise_rises_by_infinity(toy):
    model = toy(kernel=1)
    model.params["conv.b"][...] = -100
    assert rise(model, steps=1).rise == float("inf")


def test_blur_keeps_what_is_flat_and_the_sum_of_a_point(rng):
    flat = np.full((1, 5, 6, 2), 3.0)
    np.testing.assert_allclose(filters.blurred(flat), flat)
    point = np.zeros((1, 5, 5, 1))
    point[0, 2, 2] = 16
    np.testing.assert_allclose(filters.blurred(point)[0, 1:4, 1:4, 0], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])


@pytest.mark.parametrize("which", [[4], [-1], [0, 99]])
def test_a_filter_that_is_not_there(toy, which):
    with pytest.raises(MinissdError, match="0 to 3"):
        rise(toy(), which=which, steps=1)
