"""What holds for max pooling, on batches of maps (N, H, W, C), and for ReLU, forward and backward."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from minissd import engine, naive
from minissd.gradcheck import away_from, check_backward
from minissd.gradcheck.digits import apart
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import filled, halves

sides = st.integers(1, 4)


# --- the library's functions in the shape of the exercises ---


def max_pool(x, kernel, stride, pad=0):
    return engine.max_pool2d(x, kernel, stride=stride, pad=pad)[0]


def max_pool_gradient(dy, x, kernel, stride):
    _, cache = engine.max_pool2d(x, kernel, stride=stride)
    return engine.max_pool2d_backward(dy, cache)


def relu_gradient(dy, x):
    return engine.relu_backward(dy, engine.relu(x)[1])


# --- max pooling ---


@st.composite
def _batch(draw, size, low=-9, high=9):
    """Maps of this size, most often one."""
    images, channels = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 2), (2, 3)]))
    return draw(filled((images, *size, channels), low=low, high=high))


def _naive_pool(x, kernel, stride, pad):
    return naive.max_pool2d(x, kernel, (stride, stride), pad)


def _naive_gradient(dy, x, kernel, stride):
    return naive.max_pool2d_backward(dy, x, kernel, (stride, stride))


@st.composite
def _maps(draw, padded=False):
    """A map, and windows of which none lies wholly in the padding."""
    kernel = draw(st.integers(2 if padded else 1, 3))
    pad = draw(st.integers(1, kernel - 1)) if padded else 0
    smallest = max(1, kernel - 2 * pad)
    size = draw(st.tuples(*(st.integers(smallest, 4) for _ in range(2))))
    return {"x": draw(_batch(size)), "kernel": kernel, "stride": draw(st.integers(1, 3)), "pad": pad}


def _enlarged(function, x, kernel, stride, pad):
    """Below zero, and so far that no number but -inf is a border that never wins."""
    below, far = x - 20, 2.0**900
    found = function(below * far, kernel, stride, pad)
    require_equal(
        np.asarray(found) / far, _naive_pool(below, kernel, stride, pad), what=f"the result for x * {far:.2g}"
    )


MAX_POOL = (
    equals(_naive_pool, _maps(), statement="gives the largest cell of each window, without padding"),
    equals(_naive_pool, _maps(padded=True), statement="never lets a padded cell win"),
    Property("never lets a padded cell win, however far below 0 the map is", _maps(padded=True), _enlarged),
)


# --- its gradient ---


def _ranks(x):
    """1, 2, 3, ... in the order of the numbers in x, so that no two are equal."""
    return 1.0 + x.ravel().argsort(kind="stable").argsort().reshape(x.shape)


@st.composite
def _gradients(draw, apart=False, ties=False):
    """A map and gradients for its windows.  apart: windows side by side; ties: some cells are equal, else none are."""
    kernel = draw(st.integers(2 if not apart else 1, 3))
    stride = kernel if apart else draw(st.integers(1, kernel - 1))
    size = draw(st.tuples(*(st.integers(kernel, 4) for _ in range(2))))
    x = draw(_batch(size, 0, 1) if ties else _batch(size).map(_ranks))
    dy = draw(filled((len(x), *(naive.output_size(n, kernel, stride) for n in size), x.shape[3])))
    return {"dy": dy, "x": x, "kernel": kernel, "stride": stride}


def _nothing_lost(function, dy, x, kernel, stride):
    total = np.sum(function(dy, x, kernel, stride))
    arrived, sent = apart(total, dy.sum())
    assert np.isclose(total, dy.sum()), f"dx adds up to {arrived}, dy to {sent}: every number has to arrive"


MAX_POOL_GRADIENT = (
    equals(_naive_gradient, _gradients(apart=True), statement="hands each window's gradient to its largest cell"),
    equals(_naive_gradient, _gradients(), statement="adds up what a cell gets from several windows"),
    equals(_naive_gradient, _gradients(ties=True), statement="gives it to the first of equal cells alone"),
    Property("loses nothing: dx adds up to what dy adds up to", _gradients(ties=True), _nothing_lost),
)


# --- the gradient of ReLU ---


@st.composite
def _activations(draw):
    x = draw(halves((draw(sides), draw(sides))))
    assume((x != 0).all())
    return {"x": x}


@st.composite
def _at_the_kink(draw):
    x = draw(halves((draw(sides),), -1, 1))
    return {"dy": draw(halves(x.shape)), "x": x}


def _slope(function, x):
    check_backward(
        lambda x: (np.maximum(x, 0), x), function, [away_from(x, 0)], names=["x"], rng=np.random.default_rng(1)
    )


def _nothing_passes(function, dy, x):
    dx = np.asarray(function(dy, x))
    require_equal(dx[x <= 0], np.zeros((x <= 0).sum()), what="dx where x <= 0")


RELU_GRADIENT = (
    Property("agrees with the difference quotients of max(x, 0)", _activations(), _slope),
    Property("lets nothing pass where x is 0 or negative", _at_the_kink(), _nothing_passes),
    equals(relu_gradient, _at_the_kink(), statement="hands dy on unchanged where x is positive"),
)
