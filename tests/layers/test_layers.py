"""Every layer: the operation it stands for, and the protocol all layers share."""

import numpy as np
import pytest
from layer_table import CASES, MAP
from strict_cupy import count_syncs

from minissd import engine, layers
from minissd.layers import BatchNorm, Dropout, Initializer, L2Normalize, SpatialDropout


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    return request.param


@pytest.fixture
def layer(case, rng):
    """The layer in float64, no parameter left at the 0 or 1 it starts with."""
    layer = case.make(Initializer(rng, "float64"))
    for array in layer.params.values():
        array += rng.uniform(0.5, 1, array.shape)
    return layer


def run(layer, x, rng, train=True):
    """Forward and backward with a fixed cotangent -> y, dx, grads."""
    y, cache = layer.forward(x, train, np.random.default_rng(5))
    dy = np.random.default_rng(6).standard_normal(y.shape)
    return y, *layer.backward(dy, cache)


def test_all_layers_are_tested():
    made = {type(case.make(Initializer(np.random.default_rng(0)))).__name__ for case in CASES.values()}
    assert made == set(layers.__all__) - {"Initializer", "Layer", "prefixed"}


def test_forward_is_the_operation(case, layer, rng):
    x = rng.standard_normal(case.x_shape)
    np.testing.assert_array_equal(layer.forward(x)[0], case.op(x, layer.params)[0])


def test_backward_is_that_of_the_operation(case, layer, rng):
    x = rng.standard_normal(case.x_shape)
    y, cache = case.op(x, layer.params)
    dy = rng.standard_normal(y.shape)
    expected = case.backward(dy, cache)
    dx, grads = layer.backward(dy, layer.forward(x)[1])
    for ours, theirs in zip((dx, *grads.values()), expected if layer.params else (expected,), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert list(grads) == list(layer.params)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("train", [False, True])
def test_gradients_have_the_names_shapes_and_dtypes_of_the_parameters(case, rng, dtype, train):
    layer = case.make(Initializer(rng, dtype))
    x = rng.standard_normal(case.x_shape).astype(dtype)
    y, cache = layer.forward(x, train, rng)
    dx, grads = layer.backward(np.ones_like(y), cache)
    assert (y.dtype, dx.dtype, dx.shape) == (x.dtype, x.dtype, x.shape)
    assert {name: (grad.shape, grad.dtype) for name, grad in grads.items()} == {
        name: (array.shape, array.dtype) for name, array in layer.params.items()
    }


def test_a_gradient_of_another_shape_is_refused(case, layer, rng):
    y, cache = layer.forward(rng.standard_normal(case.x_shape), True, rng)
    for dy in (y[:1], y[0], y.reshape(-1), np.ones(()), np.ones(3)):
        with pytest.raises(ValueError, match=r"_backward: dy has the shape .* returned \("):
            layer.backward(dy, cache)


@pytest.mark.parametrize("make", [Dropout, SpatialDropout, layers.Upsample2d])
@pytest.mark.parametrize("value", [1.5, -1, "2", None])
def test_a_rate_or_factor_that_is_none_is_refused_when_the_network_is_made(make, value):
    with pytest.raises(ValueError, match=repr(value)):
        make(value)


def test_need_dx_false_changes_no_other_gradient(case, layer, rng):
    x = rng.standard_normal(case.x_shape)
    y, cache = layer.forward(x)
    dy = rng.standard_normal(y.shape)
    _, grads = layer.backward(dy, cache)
    dx, without = layer.backward(dy, cache, need_dx=False)
    assert grads.keys() == without.keys()
    for name, grad in grads.items():
        np.testing.assert_allclose(without[name], grad, rtol=1e-12, atol=1e-12)
    if "Conv2d" in type(layer).__name__:
        assert dx is None  # the layer for which leaving it out saves half of the work


def test_no_activations_are_kept(case, layer, rng):
    """Nothing of a layer changes through use, batch norm's running statistics apart."""
    before = dict(vars(layer))
    arrays = {name: array.copy() for name, array in layer.params.items()}
    run(layer, rng.standard_normal(case.x_shape), rng)
    assert vars(layer).keys() == before.keys()
    assert all(value is before[name] for name, value in vars(layer).items())
    assert layer.params.keys() == arrays.keys()
    for name, array in layer.params.items():
        np.testing.assert_array_equal(array, arrays[name])


def test_two_calls_can_be_in_flight_at_once(case, layer, rng):
    first, second = rng.standard_normal((2, *case.x_shape))
    y, expected, expected_grads = run(layer, first, rng)
    _, cache = layer.forward(first, True, np.random.default_rng(5))
    layer.forward(second, True, rng)
    dx, grads = layer.backward(np.random.default_rng(6).standard_normal(y.shape), cache)
    np.testing.assert_array_equal(dx, expected)
    for name, grad in grads.items():
        np.testing.assert_array_equal(grad, expected_grads[name])


def test_arguments_are_left_alone_and_need_not_be_contiguous(case, layer, rng):
    x = rng.standard_normal(case.x_shape)
    strided = np.asfortranarray(x)
    contiguous, other = run(layer, x, rng, train=False), run(layer, strided, rng, train=False)
    np.testing.assert_array_equal(strided, x)
    for ours, theirs in zip(other[:2], contiguous[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_the_card_gives_the_same_and_is_never_waited_for(case, rng, card):
    layer, on_card = (case.make(Initializer(np.random.default_rng(2), "float64", on)) for on in ("cpu", "cuda"))
    x = rng.standard_normal(case.x_shape)
    y, cache = layer.forward(x, True, np.random.default_rng(5))
    dy = rng.standard_normal(y.shape)
    dx, grads = layer.backward(dy, cache)

    with count_syncs() as syncs:
        y_on_card, cache = on_card.forward(card.asarray(x), True, np.random.default_rng(5))
        dx_on_card, grads_on_card = on_card.backward(card.asarray(dy), cache)
    assert syncs == []
    assert list(grads_on_card) == list(grads)
    expected = [y, dx, *grads.values(), *layer.buffers.values()]
    found = [y_on_card, dx_on_card, *grads_on_card.values(), *on_card.buffers.values()]
    for ours, theirs in zip(found, expected, strict=True):
        assert isinstance(ours, card.ndarray)
        np.testing.assert_allclose(card.asnumpy(ours), theirs, rtol=1e-10, atol=1e-12)


def test_only_batch_norm_has_buffers_and_only_training_moves_them(rng):
    layer = BatchNorm(3, init=Initializer(rng, "float64"), momentum=0.25)
    x = rng.normal(5, 2, MAP)
    layer.forward(x)
    np.testing.assert_array_equal(layer.buffers["running_mean"], np.zeros(3))
    np.testing.assert_array_equal(layer.buffers["running_var"], np.ones(3))
    layer.forward(x, train=True)
    np.testing.assert_allclose(layer.buffers["running_mean"], 0.25 * x.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(layer.buffers["running_var"], 0.75 + 0.25 * x.var(axis=(0, 1, 2), ddof=1))


@pytest.mark.parametrize(("layer", "op"), [(Dropout, engine.dropout), (SpatialDropout, engine.spatial_dropout)])
def test_dropout_in_training_is_the_operation_and_asks_for_a_generator(layer, op, rng):
    x = rng.standard_normal(MAP)
    y, cache = layer(0.4).forward(x, train=True, rng=np.random.default_rng(3))
    expected, _ = op(x, 0.4, np.random.default_rng(3))
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(layer(0.4).backward(x, cache)[0], expected)  # the same mask again
    assert 0 < np.count_nonzero(y) < y.size
    with pytest.raises(ValueError, match="Generator"):
        layer(0.4).forward(x, train=True)


def test_l2_normalize_starts_at_a_scale_of_20(rng):
    y, _ = L2Normalize(3, init=Initializer(rng, "float64")).forward(rng.standard_normal(MAP))
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), 20)
