"""Sequential: layers in their order, their arrays under dotted names."""

import numpy as np
import pytest

from minissd import engine
from minissd.layers import (
    BatchNorm,
    Conv2d,
    DepthwiseConv2d,
    Dropout,
    HardSwish,
    Initializer,
    Linear,
    ReLU,
    ReLU6,
    Sequential,
)


@pytest.fixture
def init(rng):
    return Initializer(rng, "float64")


@pytest.fixture
def block(init):
    return Sequential(conv=Conv2d(3, 4, 3, init=init), bn=BatchNorm(4, init=init), relu=ReLU())


def test_names_are_dotted_through_every_level(block, init):
    outer = Sequential(first=block, last=Sequential(inner=Conv2d(4, 2, 1, init=init, bias=False)))
    names = ["first.conv.w", "first.conv.b", "first.bn.gamma", "first.bn.beta", "last.inner.w"]
    assert list(outer.params) == names
    assert list(outer.buffers) == ["first.bn.running_mean", "first.bn.running_var"]


def test_the_arrays_are_those_of_the_children(block):
    for name, array in (block.params | block.buffers).items():
        child, _, key = name.partition(".")
        layer = block.layers[child]
        assert array is (layer.params | layer.buffers)[key]


def test_forward_and_backward_are_the_children_one_after_the_other(block, rng):
    x = rng.standard_normal((2, 6, 5, 3))
    y, caches = block.forward(x, train=True)
    expected, separate = x, []
    for layer in block.layers.values():
        expected, cache = layer.forward(expected, train=True)
        separate.append(cache)
    np.testing.assert_array_equal(y, expected)

    dy = d = rng.standard_normal(y.shape)
    dx, grads = block.backward(dy, caches)
    for (name, layer), cache in zip(reversed(block.layers.items()), reversed(separate), strict=True):
        d, layer_grads = layer.backward(d, cache)
        for key, grad in layer_grads.items():
            np.testing.assert_array_equal(grads.pop(f"{name}.{key}"), grad)
    np.testing.assert_array_equal(dx, d)
    assert not grads


def test_only_the_first_layer_leaves_out_dx(init, rng):
    two = Sequential(a=Conv2d(3, 4, 3, init=init), b=Conv2d(4, 2, 3, init=init))
    y, caches = two.forward(rng.standard_normal((1, 6, 6, 3)))
    _, grads = two.backward(np.ones_like(y), caches)
    dx, without = two.backward(np.ones_like(y), caches, need_dx=False)
    assert dx is None
    np.testing.assert_allclose(without["a.w"], grads["a.w"], rtol=1e-12, atol=1e-12)


def test_train_and_rng_reach_every_child(init, rng):
    layer = Sequential(inner=Sequential(drop=Dropout(0.5)), linear=Linear(40, 3, init=init))
    x = rng.standard_normal((5, 40))
    still, _ = layer.forward(x)
    y, _ = layer.forward(x, True, np.random.default_rng(1))
    again, _ = layer.forward(x, True, np.random.default_rng(1))
    np.testing.assert_array_equal(y, again)
    assert np.abs(y - still).max() > 0.1


def test_an_empty_one_passes_everything_on(rng):
    x = rng.standard_normal((2, 3))
    y, caches = Sequential().forward(x)
    dx, grads = Sequential().backward(x, caches)
    assert y is x
    assert dx is x
    assert grads == {}


def test_infer_is_forward_without_caches(block, rng):
    x = rng.standard_normal((2, 6, 6, 3))
    np.testing.assert_array_equal(block.infer(x), block.forward(x)[0])


def test_spend_empties_the_caches_on_the_way_and_changes_no_gradient(block, rng):
    y, caches = block.forward(rng.standard_normal((2, 6, 6, 3)))
    dx, grads = block.backward(np.ones_like(y), caches)
    same_dx, same_grads = block.backward(np.ones_like(y), caches, spend=True)
    assert caches == []
    np.testing.assert_array_equal(same_dx, dx)
    for name, grad in grads.items():
        np.testing.assert_array_equal(same_grads[name], grad)


def test_trace_shows_what_each_layer_put_out_though_the_next_works_in_place(init, rng):
    two = Sequential(a=Conv2d(3, 4, 3, init=init), b=ReLU(in_place=True))
    x = rng.standard_normal((1, 6, 6, 3))
    traced = dict(two.trace(x))
    assert (traced["a"] < 0).any()
    np.testing.assert_array_equal(traced["b"], two.infer(x))


class Negated(ReLU):
    """-max(x, 0)"""

    def infer(self, x):
        return -super().infer(x)


@pytest.mark.parametrize("activation", [ReLU, ReLU6, HardSwish, Negated])
@pytest.mark.parametrize("inside", [True, False])
def test_inference_applies_what_stands_behind_a_convolution_once(activation, inside, init, rng):
    alone = {
        "dw": DepthwiseConv2d(3, 3, init=init, stride=2, pad=1),
        "dw_bn": BatchNorm(3, init=init),
        "z": activation(),
    }
    layers = alone | {
        "conv": Conv2d(3, 4, 3, init=init),
        "a": activation(),
        "bn": BatchNorm(4, init=init),
        "b": activation(),
    }
    both = Sequential(**layers, last=Sequential(conv=Conv2d(4, 4, 1, init=init), c=activation(), d=ReLU()))
    both.params["bn.beta"][...] = -0.5
    x = 5 * rng.standard_normal((2, 7, 6, 3))
    expected = x
    for layer in (*layers.values(), *both.layers["last"].layers.values()):
        expected = layer.infer(expected)
    with both.prepared() if inside else engine.use("fast"):
        np.testing.assert_allclose(both.infer(x), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("activation", [ReLU, ReLU6, HardSwish])
@pytest.mark.parametrize("in_place", [True, False])
def test_training_gets_the_same_whoever_applies_an_activation(activation, in_place, init, rng):
    def layer():
        return activation() if activation is HardSwish else activation(in_place=in_place)

    both = Sequential(
        dw=DepthwiseConv2d(3, 3, init=init, pad=1),
        a=layer(),
        conv=Conv2d(3, 4, 3, init=init),
        bn=BatchNorm(4, init=init),
        b=layer(),
        head=Conv2d(4, 2, 1, init=init),
        c=layer(),
    )
    x, calls = 4 * rng.standard_normal((2, 7, 6, 3)), []
    y, caches = both.forward(x.copy(), train=True)
    dy = rng.standard_normal(y.shape)
    dx, grads = both.backward(dy.copy(), caches)
    for one in both.layers.values():  # looked at, so that each does its own part
        one.forward = lambda *given, forward=one.forward: calls.append(1) or forward(*given)
    expected, caches = both.forward(x.copy(), train=True)
    expected_dx, expected_grads = both.backward(dy.copy(), caches)
    assert len(calls) == len(both.layers)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(dx, expected_dx)
    for name, grad in grads.items():
        np.testing.assert_array_equal(grad, expected_grads[name], err_msg=name)


def test_inference_calls_an_exchanged_relu(block, rng):
    calls = []

    def relu(x):
        calls.append(x.shape)
        return engine.ops.relu(x)

    x = rng.standard_normal((2, 6, 5, 3))
    with engine.use({"relu": relu, "relu_backward": engine.ops.relu_backward}), block.prepared():
        block.infer(x)
    assert calls == [(2, 4, 3, 4)]


def test_inference_lets_a_tapped_relu_be_seen(block, rng):
    x, seen = rng.standard_normal((2, 6, 5, 3)), []
    relu = block.layers["relu"]
    forward = relu.forward
    with block.prepared():
        relu.forward = lambda x, *rest: seen.append(x.min()) or forward(x, *rest)
        block.infer(x)
    assert seen[0] < 0


def test_without_layers_it_gives_what_it_gets(rng):
    x = rng.standard_normal((1, 2))
    assert Sequential().infer(x) is x and Sequential().forward(x)[0] is x
