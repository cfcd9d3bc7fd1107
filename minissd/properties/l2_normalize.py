"""What holds for L2 normalisation over the channels, and for its gradient."""

import numpy as np
from hypothesis import strategies as st

from minissd import engine, naive
from minissd.gradcheck import check_backward
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import few, halves


@st.composite
def vectors(draw, eps=(1e-10, 1.0)):
    places, channels = draw(few), draw(st.integers(1, 3))
    x, scale = draw(halves((places, channels))), draw(halves(channels, least=1))
    return {"x": x, "scale": scale, "eps": draw(st.sampled_from(eps))}


@st.composite
def maps_to_normalise(draw, eps=(1e-10, 1.0)):
    case = draw(vectors(eps))
    return case | {"x": draw(halves((1, 2, 2, len(case["scale"]))))}


@st.composite
def gradients_to_send_back(draw):
    case = draw(vectors())
    return {"dy": draw(halves(case["x"].shape)), "x": case["x"], "scale": case["scale"]}


@st.composite
def zero_vectors(draw):
    channels = draw(st.integers(1, 3))
    ones = np.ones((1, channels))
    return {"dy": ones, "x": 0 * ones, "scale": ones[0], "eps": 1e-10}


def _has_the_length_of_the_scale(function, x, scale):
    y = np.asarray(function(x, np.full_like(scale, 20), 1e-12))
    lengths = np.where((x != 0).any(axis=-1), 20.0, 0.0)
    require_equal(np.sqrt((y * y).sum(axis=-1)), lengths, what="the length of each vector, all scales 20", rtol=1e-5)


def library_l2_normalize(x, scale, eps):
    return engine.l2_normalize(x, scale, eps)[0]


L2_NORMALIZE = (
    Property(
        "gives each vector the length of the scale, a zero vector 0",
        vectors().map(lambda case: {"x": case["x"], "scale": case["scale"]}),
        _has_the_length_of_the_scale,
    ),
    equals(naive.l2_normalize, vectors(), statement="divides by the norm and multiplies by the scale"),
    equals(naive.l2_normalize, maps_to_normalise(), statement="treats each cell of a map (N, H, W, C) alone"),
)


def _passes_the_gradient_check(function, x, scale, eps):
    def forward(x, scale):
        return naive.l2_normalize(x, scale, eps), (x, scale)

    dx, dscale = function(np.ones_like(x), x, scale, eps)
    require_equal(np.asarray(dx).shape, x.shape, what="the shape of dx")
    require_equal(np.asarray(dscale).shape, scale.shape, what="the shape of dscale")
    check_backward(forward, lambda dy, cache: function(dy, *cache, eps), [x, scale], names=("x", "scale"))


def _is_finite(function, dy, x, scale, eps):
    for name, gradient in zip(("dx", "dscale"), function(dy, x, scale, eps), strict=True):
        if not np.isfinite(gradient).all():
            raise AssertionError(f"{name} is {np.asarray(gradient).tolist()} where x is zero, and NaN spreads")


def _leaves_the_length_alone(function, dy, x, scale):
    dx, _ = function(dy, x, scale, 1e-12)
    require_equal((dx * x).sum(axis=-1), np.zeros(len(x)), what="dx along x, with eps = 1e-12", atol=1e-5)


def library_l2_normalize_gradient(dy, x, scale, eps):
    return engine.l2_normalize_backward(dy, engine.l2_normalize(x, scale, eps)[1])


L2_NORMALIZE_GRADIENT = (
    Property("passes the gradient check", vectors(eps=(1.0,)), _passes_the_gradient_check),
    Property("passes it for maps (N, H, W, C)", maps_to_normalise(eps=(1.0,)), _passes_the_gradient_check),
    Property("has no part along x: the length is forgotten", gradients_to_send_back(), _leaves_the_length_alone),
    Property("is finite for a zero vector", zero_vectors(), _is_finite),
)
