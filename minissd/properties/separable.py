"""What holds for depthwise separable convolution."""

from itertools import product

import numpy as np
from hypothesis import strategies as st

from minissd import engine, naive
from minissd.gradcheck.digits import apart
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import few, halves


def separable_conv(x, depthwise, pointwise):
    """The library's two operations in the shape of the exercise."""
    return engine.conv2d(engine.depthwise_conv2d(x[None], depthwise)[0], pointwise[None, None])[0][0]


@st.composite
def _separable(draw, one_channel=False):
    kernel = draw(st.tuples(few, few))
    size = [k + draw(st.integers(0, 1)) for k in kernel]
    c, d = (1 if one_channel else draw(few)), draw(few)
    return {"x": draw(halves((*size, c))), "depthwise": draw(halves((*kernel, c))), "pointwise": draw(halves((c, d)))}


def _two_steps(x, depthwise, pointwise):
    return naive.conv2d(naive.depthwise_conv2d(x[None], depthwise), pointwise[None, None])[0]


def _of_rank_one(function, x, depthwise, pointwise):
    dense = naive.conv2d(x[None], depthwise[..., None] * pointwise)[0]
    require_equal(function(x, depthwise, pointwise), dense)


SEPARABLE_CONV = (
    equals(_two_steps, _separable(one_channel=True), statement="looks around, then weighs, with one channel"),
    equals(_two_steps, _separable(), statement="keeps the channels apart until the pointwise step mixes them"),
    Property("is the convolution with depthwise[y, x, c] * pointwise[c, d]", _separable(), _of_rank_one),
)


# --- what it costs ---


def _counted(height, width, kernel, c_in, c_out):
    """Products, counted one by one."""
    places, cells = [*product(range(height), range(width))], [*product(range(kernel), range(kernel))]
    dense = sum(1 for _ in product(places, cells, range(c_in), range(c_out)))
    depthwise = sum(1 for _ in product(places, cells, range(c_in)))
    pointwise = sum(1 for _ in product(places, range(c_in), range(c_out)))
    return dense, depthwise + pointwise


def _sizes(most):
    names = ("height", "width", "kernel", "c_in", "c_out")
    return st.fixed_dictionaries({name: st.integers(1, most) for name in names})


def _in_proportion(function, height, width, kernel, c_in, c_out):
    dense, separable = function(height, width, kernel, c_in, c_out)
    expected = 1 / c_out + 1 / kernel**2
    share, wanted = apart(separable / dense, expected)
    assert np.isclose(separable / dense, expected), (
        f"the separable one costs {share} of the ordinary one, expected 1/D + 1/k^2 = {wanted}"
    )


SEPARABLE_COST = (
    equals(_counted, _sizes(3), statement="counts every product of both"),
    Property("finds the ratio 1/D + 1/k^2", _sizes(300), _in_proportion),
)
