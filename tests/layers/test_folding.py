"""Batch norm folded into convolutions: the same function of x, with fewer layers."""

import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.layers import (
    BatchNorm,
    Conv2d,
    DepthwiseConv2d,
    GlobalAvgPool2d,
    Initializer,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
)
from minissd.layers.folding import fold
from minissd.models import Classifier, build
from minissd.properties.windows import seeds


def trained(*, init, bias=True, depthwise=False, twice=False):
    """Convolution, batch norm and more, with no parameter or statistic left at the 0 or 1 it starts with."""
    conv = DepthwiseConv2d(4, 3, init=init, bias=bias) if depthwise else Conv2d(4, 4, 3, init=init, bias=bias)
    norms = {f"bn{i}": BatchNorm(4, init=init) for i in range(1 + twice)}
    layers = Sequential(pool=MaxPool2d(2), alone=BatchNorm(4, init=init), conv=conv, **norms, relu=ReLU())
    for array in (layers.params | layers.buffers).values():
        array += np.random.default_rng(1).uniform(0.5, 1, array.shape)
    return layers


@given(seeds, st.booleans(), st.booleans(), st.booleans())
def test_folded_layers_are_the_same_function(seed, bias, depthwise, twice):
    rng = np.random.default_rng(seed)
    layers = trained(init=Initializer(rng, "float64"), bias=bias, depthwise=depthwise, twice=twice)
    x = rng.standard_normal((2, 9, 8, 4))
    expected = layers.infer(x)
    with layers.prepared():
        np.testing.assert_allclose(layers.infer(x), expected, rtol=1e-10, atol=1e-12)


def test_only_a_batch_norm_behind_a_convolution_goes(rng):
    layers = trained(init=Initializer(rng, "float64"), twice=True)
    before = {name: array.copy() for name, array in (layers.params | layers.buffers).items()}
    assert list(fold(layers.layers)) == ["pool", "alone", "conv", "relu"]
    for name, array in (layers.params | layers.buffers).items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("name", ["ssd-tiny", "ssd300-mobilenet", "tiny", "yolo-tiny", "unet"])
def test_models_infer_the_same_and_notice_what_was_learned_in_between(name, rng):
    sizes = {} if name == "ssd300-mobilenet" else {"input_size": 64}
    model = build(name, classes=("a", "b"), dtype="float64", **sizes)
    images = rng.integers(0, 256, (1, model.input_size, model.input_size, 3), np.uint8)

    def outputs():
        y = model.infer(images)
        return y if isinstance(y, tuple) else (y,)

    for _ in range(2):
        expected = outputs()
        with model.inference():
            found = outputs()
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)
        for array in (model.params | model.buffers).values():
            array *= 1.1


@pytest.fixture
def one_convolution(rng):
    """A network whose convolution is large enough for Winograd's algorithm, and an image for it."""
    init = Initializer(rng, "float64")
    conv, linear = Conv2d(64, 64, 3, init=init, pad=1), Linear(64, 1, init=init)
    layers = {"conv": conv, "mean": GlobalAvgPool2d(), "linear": linear}
    reading = {"input_size": 24, "pixel_mean": (0,) * 64, "pixel_scale": 1}
    return Classifier("one", ("a",), layers=layers, init=init, **reading), rng.standard_normal((1, 24, 24, 64))


def test_inference_keeps_nothing_of_what_was_there_before_a_change(one_convolution):
    """Nobody looks at the kernel between two inferences; its transformed filters must be made anew all the same."""
    model, x = one_convolution
    with model.inference():
        before = model.infer(x)
    model.params["conv.w"] *= 1.5
    with model.inference():
        after = model.infer(x)
    np.testing.assert_allclose(after, model.infer(x), rtol=1e-10)
    assert not np.allclose(after, before)


def test_of_two_inferences_that_overlap_the_first_to_end_leaves_the_other_what_it_needs(one_convolution):
    model, x = one_convolution
    first, second = model.inference(), model.inference()
    first.__enter__()
    expected = model.infer(x)
    second.__enter__()
    first.__exit__(None, None, None)
    with pytest.raises(ValueError, match="read-only"):
        model.params["conv.w"] *= 2
    np.testing.assert_array_equal(model.infer(x), expected)
    second.__exit__(None, None, None)
    model.params["conv.w"] *= 2
    model.params["linear.b"][...] = 0
    np.testing.assert_allclose(model.infer(x), 2 * expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["one", "ssd-tiny", "unet"])
def test_parameters_unlocked_and_changed_within_inference_change_what_comes_after_it(name, one_convolution, rng):
    """No layer computes with the new weights while another has the old ones, or filters that were made of them."""
    model, x = one_convolution
    if name != "one":
        model = build(name, classes=("a", "b"), dtype="float64", input_size=64)
        x = rng.integers(0, 256, (1, 64, 64, 3), np.uint8)

    def outputs():
        y = model.infer(x)
        return np.concatenate([part.ravel() for part in (y if isinstance(y, tuple) else (y,))])

    with model.inference():
        before = outputs()
        for array in model.params.values():
            array.flags.writeable = True
            array *= 1.1
            array.flags.writeable = False
        np.testing.assert_array_equal(outputs(), before)
    changed = outputs()
    assert not np.allclose(changed, before, rtol=1e-3)
    with model.inference():
        np.testing.assert_allclose(outputs(), changed, rtol=1e-7, atol=1e-9)


def test_kept_filters_are_gone_with_the_inference(one_convolution):
    model, x = one_convolution
    with model.inference():
        model.infer(x)
        kept = model.body._stand_in.layers["conv"].kept
        filters = weakref.ref(kept["winograd"])
        del kept
        assert filters() is not None
    assert filters() is None


@pytest.mark.parametrize("slope", [1, 0, -1])
def test_a_batch_norm_behind_a_pooling_goes_where_no_slope_is_negative(slope, rng):
    """Of two numbers times -1 another one is the larger."""
    layers = Sequential(conv=Conv2d(3, 4, 3, pad=1), pool=MaxPool2d(2, ceil_mode=True), bn=BatchNorm(4), relu=ReLU())
    layers.params["bn.gamma"][...] = 0.5, 2, slope, 1
    layers.params["bn.beta"][...] = 0.1, -0.2, 0.3, 0
    layers.buffers["bn.running_mean"][...] = rng.standard_normal(4)
    layers.buffers["bn.running_var"][...] = rng.uniform(0.5, 2, 4)
    x = rng.standard_normal((2, 7, 6, 3)).astype("float32")
    expected = layers.infer(x)
    assert ("bn" in fold(layers.layers)) == (slope < 0)
    with layers.prepared():
        np.testing.assert_allclose(layers.infer(x), expected, rtol=1e-5, atol=1e-6)
