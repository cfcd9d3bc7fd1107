"""First values: their spread, and that they follow from the generator alone."""

import numpy as np
import pytest

from minissd.layers import Conv2d, ConvTranspose2d, Initializer, Linear

SHAPES = [(3, 3, 40, 50), (300, 200)]  # of a convolution and of a linear layer


@pytest.mark.parametrize("shape", SHAPES)
def test_he_has_variance_2_over_fan_in(rng, shape):
    w = Initializer(rng, "float64").he(shape)
    fan_in = w[..., 0].size
    assert w.var() * fan_in == pytest.approx(2, rel=0.05)
    assert abs(w.mean()) < 4 * w.std() / np.sqrt(w.size)


@pytest.mark.parametrize("shape", SHAPES)
def test_xavier_is_uniform_with_variance_1_over_fan_in(rng, shape):
    w = Initializer(rng, "float64").xavier(shape)
    fan_in = w[..., 0].size
    bound = np.sqrt(3 / fan_in)
    assert w.var() * fan_in == pytest.approx(1, rel=0.05)
    assert np.abs(w).max() <= bound
    quarters, _ = np.histogram(w, bins=4, range=(-bound, bound))
    assert quarters.max() / quarters.min() < 1.1


def test_relu_layers_keep_the_spread_of_their_inputs(rng):
    """What the He variance is for: after twenty layers the activations have neither vanished nor exploded."""
    init = Initializer(rng, "float64")
    x = rng.standard_normal((64, 200))
    for _ in range(20):
        x = np.maximum(Linear(200, 200, init=init).forward(x)[0], 0)
    assert 0.2 < np.sqrt((x**2).mean()) < 5


@pytest.mark.parametrize("filler", ["he", "xavier"])
def test_the_generator_alone_decides(filler):
    def draw(seed, dtype="float64"):
        init = Initializer(np.random.default_rng(seed), dtype)
        return [getattr(init, filler)((3, 4)) for _ in range(2)]

    np.testing.assert_array_equal(draw(0), draw(0))
    np.testing.assert_array_equal(draw(0, "float32"), np.float32(draw(0)))
    assert not np.array_equal(draw(0), draw(1))
    assert not np.array_equal(*draw(0))


def test_every_parameter_has_the_dtype_and_its_own_memory(rng):
    init = Initializer(rng, "float32")
    one, other = Conv2d(3, 4, 3, init=init), Conv2d(3, 4, 3, init=init)
    for layer in (one, other):
        assert {array.dtype for array in layer.params.values()} == {np.dtype("float32")}
    one.params["b"] += 1
    np.testing.assert_array_equal(other.params["b"], np.zeros(4))


@pytest.mark.parametrize("dtype", ["float16", "int32", "complex128"])
def test_other_dtypes_are_refused(rng, dtype):
    with pytest.raises(ValueError, match=dtype):
        Initializer(rng, dtype)


def test_the_fan_in_can_be_given(rng):
    assert abs(Initializer(rng, "float64").he((1, 1, 100, 100), fan_in=8).std() / 0.5 - 1) < 0.05


@pytest.mark.parametrize(("kernel", "stride", "pad"), [(2, 2, 0), (3, 1, 1), (4, 2, 1)])
def test_a_transposed_convolution_keeps_the_spread_of_its_inputs(rng, kernel, stride, pad):
    """The outputs' variance is twice that of the inputs, for the ReLU to halve again (He et al. 2015)."""
    layer = ConvTranspose2d(40, 40, kernel, init=Initializer(rng, "float64"), stride=stride, pad=pad)
    y, _ = layer.forward(rng.standard_normal((2, 16, 16, 40)))
    assert 1.5 < y[:, 4:-4, 4:-4].var() < 2.5
