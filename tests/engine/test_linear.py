"""The fully connected layer: a 1x1 convolution of 1x1 maps, and errors that name both shapes."""

import numpy as np
import pytest

from minissd.engine import conv2d, conv2d_backward, linear, linear_backward

X, W, B = np.zeros((4, 3)), np.zeros((3, 2)), np.zeros(2)


def test_a_pointwise_convolution_of_maps_of_one_cell(rng):
    x, w, b, dy = (rng.standard_normal(shape) for shape in ((4, 3), (3, 2), 2, (4, 2)))
    y, cache = linear(x, w, b)
    map_y, map_cache = conv2d(x[:, None, None], w[None, None], b)
    np.testing.assert_allclose(y, map_y[:, 0, 0])
    gradients = zip(linear_backward(dy, cache), conv2d_backward(dy[:, None, None], map_cache), strict=True)
    for ours, of_map in gradients:
        np.testing.assert_allclose(ours, of_map.reshape(ours.shape))


def test_without_bias(rng):
    x, w = rng.standard_normal(X.shape), rng.standard_normal(W.shape)
    np.testing.assert_allclose(linear(x, w)[0], linear(x, w, B)[0])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((X, W.T, B), r"\(4, 3\).*\(2, 3\)"),
        ((X[0], W, B), r"\(3,\).*\(3, 2\)"),
        ((X, W, B[:1]), r"\(1,\).*\(3, 2\)"),
    ],
    ids=["inputs", "no batch", "bias"],
)
def test_misfits_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        linear(*arguments)
