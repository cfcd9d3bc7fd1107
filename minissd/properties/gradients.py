"""What holds for backward passes: they give what difference quotients of the forward pass measure."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import naive
from minissd.engine import (
    conv2d,
    conv2d_backward,
    cross_entropy,
    cross_entropy_backward,
    im2col,
    linear,
    linear_backward,
    softmax,
)
from minissd.gradcheck import GradientError, diagnose
from minissd.gradcheck import numeric_gradient as measured
from minissd.gradcheck.digits import apart
from minissd.properties.convolution import few, fewer, layers, window_grids
from minissd.properties.core import Property, equals, require_equal, side_by_side
from minissd.properties.pixels import EXTREME, labelled_logits
from minissd.properties.plain import filled


def require_gradient(found, forward, at, dy=1.0, *, name, given=None):
    """GradientError, with the diagnosis, unless `found` is the gradient of sum(dy * forward(x)) at x = `at`."""
    if found is None:
        raise GradientError(f"{name} is None: is there a return?")
    found, numeric = np.asarray(found), measured(forward, at, dy)
    problem = diagnose(found, numeric, given=given)
    if problem is not None:
        both = side_by_side("found", found, "measured", numeric)
        raise GradientError(f"{name} {problem.text}\n{both}")


def layer_gradients(forward, cases):
    """Properties of function(dy, x, w, **geometry) -> dx, dw, db, the simplest first.

    forward(x, w, b, **geometry) -> (y, cache).
    """

    def claim(place, name):
        def holds(function, dy, x, w, **geometry):
            gradients = function(dy, x, w, **geometry)
            if not isinstance(gradients, tuple | list) or len(gradients) != 3:
                raise GradientError("expected three gradients: return dx, dw, db")
            inputs = {"x": x, "w": w, "b": np.zeros(w.shape[-1])}

            def output(changed):
                return forward(**inputs | {name: changed}, **geometry)[0]

            given = {"dy": dy, "x": x, "w": w}
            require_gradient(gradients[place], output, inputs[name], dy, name=f"d{name}", given=given)

        return Property(f"gives the measured gradient of {name}", cases, holds)

    return claim(2, "b"), claim(1, "w"), claim(0, "x")


@st.composite
def _slopes(draw):
    shape = draw(st.tuples(few) | st.tuples(fewer, fewer))
    w, x = (draw(filled(shape)) for _ in range(2))
    return {"w": w, "x": x, "eps": draw(st.sampled_from([1.0, 0.5, 0.25]))}


def _slope_of_a_plane(function, w, x, eps):
    require_equal(function(lambda v: np.sum(w * v), x, eps=eps), w)


def _slope_of_a_bowl(function, w, x, eps):
    require_equal(function(lambda v: np.sum(w * v) ** 2, x, eps=eps), 2 * w * np.sum(w * x))


def _slope_of_cubes(function, w, x, eps):
    """The difference quotient at x of x^3 is 3 x^2 + eps^2: of its own kind at each eps."""
    require_equal(function(lambda v: np.sum(w * v**3), x, eps=eps), w * (3 * x**2 + eps**2))


NUMERIC_GRADIENT = (
    Property("gives w for f(x) = sum(w * x)", _slopes(), _slope_of_a_plane),
    Property("gives 2 w sum(w * x) for f(x) = sum(w * x)^2, for any eps", _slopes(), _slope_of_a_bowl),
    Property("goes eps to both sides: gives w (3 x^2 + eps^2) for f(x) = sum(w x^3)", _slopes(), _slope_of_cubes),
)


@st.composite
def _linear_layers(draw):
    n, c, d = (draw(st.integers(1, 3)) for _ in range(3))
    shapes = {"dy": (n, d), "x": (n, c), "w": (c, d)}
    return {name: draw(filled(shape)) for name, shape in shapes.items()}


LINEAR_GRADIENT = layer_gradients(linear, _linear_layers())


def library_linear_gradient(dy, x, w):
    """The backward pass, its cache made here."""
    return linear_backward(dy, linear(x, w, np.zeros(w.shape[1]))[1])


@st.composite
def _columns(draw, ones=False):
    case = draw(window_grids())
    x = case.pop("x")
    shape = im2col(x, **case).shape
    cols = np.ones(shape) if ones else draw(filled(shape))
    return {"cols": cols, "x_shape": x.shape, **case}


def _adjoint(function, x, cols, **geometry):
    back = function(cols, x.shape, **geometry)
    require_equal(np.shape(back), x.shape, what="the shape")
    products = np.sum(im2col(x, **geometry) * cols), np.sum(x * back)
    if products[0] != products[1]:  # multiples of 1/4: without any error
        forth, back = apart(*products)
        raise AssertionError(f"sum(im2col(x) * cols) is {forth}, sum(x * col2im(cols)) is {back}")


@st.composite
def _maps_and_columns(draw):
    case = draw(window_grids())
    shape = im2col(**case).shape
    return case | {"cols": draw(filled(shape))}


ADJOINT = Property(
    "is the transpose of im2col: sum(im2col(x) * cols) = sum(x * col2im(cols))", _maps_and_columns(), _adjoint
)
COL2IM = (
    equals(naive.col2im, _columns(ones=True), statement="counts how many windows have read each cell, for ones"),
    ADJOINT,
    equals(naive.col2im, _columns(), statement="adds every entry to the cell that it came from"),
)


@st.composite
def _conv_layers(draw):
    case = draw(layers())
    b = case.pop("b")
    y = conv2d(case["x"], case["w"], b, stride=case["stride"], pad=case["pad"])[0]
    return {"dy": draw(filled(y.shape)), **case}


CONV2D_GRADIENT = layer_gradients(conv2d, _conv_layers())


def library_conv2d_gradient(dy, x, w, stride=1, pad=0):
    """The backward pass, its cache made here."""
    return conv2d_backward(dy, conv2d(x, w, np.zeros(w.shape[3]), stride=stride, pad=pad)[1])


@st.composite
def _softmax_rows(draw):
    shape = draw(fewer), draw(st.integers(1, 3))
    z, dp = (draw(arrays(np.float64, shape, elements=st.integers(-2, 2).map(float))) for _ in range(2))
    return {"z": z, "dp": dp}


def _softmax_dz(function, z, dp):
    require_gradient(function(dp, softmax(z)), softmax, z, dp, name="dz")


def _a_shift_changes_nothing(function, z, dp):
    dz = np.asarray(function(dp, softmax(z)))
    require_equal(dz.sum(axis=-1), np.zeros(len(z)), what="the sum of dz over the classes")


SOFTMAX_GRADIENT = (
    Property("gives rows that sum to 0, for a shift of all logits changes nothing", _softmax_rows(),
             _a_shift_changes_nothing),
    Property("gives the measured gradient of softmax", _softmax_rows(), _softmax_dz),
)  # fmt: skip


def _loss_gradient(function, logits, labels):
    found = function(logits, labels)
    require_gradient(found, lambda z: cross_entropy(z, labels)[0], logits, name="the gradient of the logits")


def _probabilities_less_labels(logits, labels):
    return (naive.softmax(logits) - np.eye(logits.shape[1])[labels]) / len(labels)


few_logits = labelled_logits(st.integers(-2, 2).map(float))
CROSS_ENTROPY_GRADIENT = (
    Property("gives the measured gradient of the mean cross-entropy", few_logits, _loss_gradient),
    equals(_probabilities_less_labels, labelled_logits(EXTREME), statement="stays finite for logits of 1000 and -1000"),
)


def library_cross_entropy_gradient(logits, labels):
    """The backward pass, its cache made here."""
    return cross_entropy_backward(cross_entropy(logits, labels)[1])
