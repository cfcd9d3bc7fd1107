"""Taps: they show what passes a layer, change nothing unless told to, and leave no trace."""

import numpy as np
import pytest

from minissd.errors import MinissdError
from minissd.explain import channels_of, look, tapped
from minissd.models import build

SMALL = {
    "ssd-tiny": {"input_size": 32},
    "tiny": {"input_size": 32},
    "lenet5": {},
    "yolo-tiny": {"input_size": 64},
    "mlp": {"width": 8},
}


@pytest.fixture(params=SMALL)
def model(request):
    return build(request.param, classes=("a", "b"), dtype="float64", **SMALL[request.param])


def looked_at(model, rng, n=2):
    return rng.integers(0, 256, (n, model.input_size, model.input_size, model.channels), dtype=np.uint8)


def test_every_layer_that_trace_names_can_be_tapped_and_shows_the_same(model, rng):
    images = looked_at(model, rng)
    traced = dict(model.trace(images))
    taps = look(model, list(traced), images)
    for name, y in traced.items():
        # a head that nobody looks at computes two convolutions as one: the same but for rounding
        np.testing.assert_allclose(taps[name].output.reshape(y.shape), y, rtol=1e-4, atol=1e-4)
    assert set(traced) <= {name for name, _ in model.leaves()}


def test_the_gradient_is_that_of_the_score(toy, images, rng):
    """Score = dy . logits, logits = mean of the map @ w + b, so each cell has dy @ w^T / (H W)."""
    model = toy()
    dy = rng.standard_normal((3, 2))
    with tapped(model, "conv") as tap:
        _, cache = model.forward(images)
        model.backward(dy, cache)
    _, height, width, _ = tap.output.shape
    expected = (dy @ model.params["linear.w"].T / (height * width))[:, None, None]
    np.testing.assert_allclose(tap.gradient, np.broadcast_to(expected, tap.output.shape), rtol=1e-12)


def test_the_backward_pass_goes_on_from_an_injected_gradient(toy, images, rng):
    model = toy(relu=True)
    _, cache = model.forward(images)
    dy = rng.standard_normal((3, 2))
    with tapped(model, "relu") as tap:
        expected, _ = model.backward(dy, cache)
    arrived = tap.gradient
    with tapped(model, "relu") as tap:
        tap.injected = 2 * arrived
        twice, _ = model.backward(np.zeros_like(dy), cache)
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(twice, 2 * expected, rtol=1e-12)


def test_a_layer_that_works_in_place_hides_nothing(rng):
    model = build("ssd-tiny", classes=("a",), input_size=32, dtype="float64")
    with tapped(model, "stage0.bn1") as before, tapped(model, "stage0.relu1") as relu:
        outputs, cache = model.forward(looked_at(model, rng))
        model.backward(tuple(map(np.ones_like, outputs)), cache)
    negative = before.output < 0
    assert negative.any() and np.abs(relu.gradient[negative]).max() > 0
    np.testing.assert_array_equal(relu.output, np.where(negative, 0, before.output))
    np.testing.assert_array_equal(before.gradient, np.where(negative, 0, relu.gradient))


def test_nothing_is_left_behind_even_after_an_error(toy, images):
    model = toy()
    conv = dict(model.leaves())["conv"]
    with pytest.raises(ValueError, match="reads images"), tapped(model, "conv") as tap:
        model.forward(images[:, :5])
    assert not {"forward", "backward"} & vars(conv).keys()
    model.forward(images)
    assert tap.output is None


def test_an_unknown_name_brings_the_list_of_all(toy):
    with pytest.raises(MinissdError) as raised, tapped(toy(), "relu7"):
        pass
    message = str(raised.value)
    assert all(part in message for part in ("relu7", "conv", "pool", "linear")) and "\n" not in message


def test_what_is_no_map_has_no_channels(toy):
    assert channels_of(toy(channels=5), "conv") == 5
    with pytest.raises(MinissdError, match="no map"):
        channels_of(toy(), "pool")
