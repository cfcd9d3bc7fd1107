"""What holds for sliding windows and convolutions."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from minissd import naive
from minissd.engine import conv2d
from minissd.layers import Conv2d
from minissd.layers.initializer import Initializer
from minissd.ops.geometry import pad_widths
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import filled

few, fewer = st.integers(1, 4), st.integers(1, 2)


@st.composite
def axes(draw):
    """One axis and a window that fits on it at least once."""
    case = {"n": draw(st.integers(1, 12)), "k": draw(few), "stride": draw(few)}
    case |= {"pad": draw(st.integers(0, 3)), "dilation": draw(few)}
    assume(case["n"] + 2 * case["pad"] >= (case["k"] - 1) * case["dilation"] + 1)
    return case


OUTPUT_SIZE = (equals(naive.output_size, axes(), statement="counts the places where the kernel can stand"),)


kernels = st.fixed_dictionaries({"k": st.integers(1, 6), "dilation": few})


def _same_padding(k, dilation):
    return naive.pad_widths("same", k, dilation)[0]


def _keeps_the_size(function, n, k, dilation):
    pad = function(k, dilation)
    if not isinstance(pad, tuple | list) or len(pad) != 2:
        raise AssertionError(f"expected (before, after), found {pad!r}")
    extent = naive.extent(k, dilation)
    size = n + sum(pad) - extent + 1
    if size != n:
        raise AssertionError(f"n = {n} padded by {pad} gives {size} windows of extent {extent}, expected {n}")


KEEPS_THE_SIZE = Property(
    "keeps the size at stride 1",
    st.tuples(kernels, st.integers(1, 9)).map(lambda case: case[0] | {"n": case[1]}),
    _keeps_the_size,
)
SAME_PADDING = (
    KEEPS_THE_SIZE,
    equals(_same_padding, kernels, statement="puts the odd cell of an even kernel at the end"),
)


def library_same_padding(k, dilation=1):
    """What "same" means along one axis."""
    return pad_widths("same", k, dilation)[0]


@st.composite
def _images_and_kernels(draw):
    kh, kw = draw(fewer), draw(fewer)
    x = draw(filled((kh + draw(st.integers(0, 2)), kw + draw(st.integers(0, 2)))))
    return {"x": x, "w": draw(filled((kh, kw)))}


@st.composite
def _single_taps(draw):
    """A kernel with a single 1."""
    case = draw(_images_and_kernels())
    ky, kx = (draw(st.integers(0, k - 1)) for k in case["w"].shape)
    w = np.zeros_like(case["w"])
    w[ky, kx] = 1
    return case | {"w": w}


def _sees_what_lies_under_its_tap(function, x, w):
    (ky, kx), (kh, kw) = np.argwhere(w)[0], w.shape
    seen = x[ky : ky + x.shape[0] - kh + 1, kx : kx + x.shape[1] - kw + 1]
    require_equal(function(x, w), seen)


def _correlate2d(x, w):
    return naive.conv2d(x[None, :, :, None], w[:, :, None, None])[0, :, :, 0]


CORRELATE2D = (
    Property("copies what lies under the one tap that is 1", _single_taps(), _sees_what_lies_under_its_tap),
    equals(_correlate2d, _images_and_kernels(), statement="sums x * w over every window"),
)


def library_correlate2d(x, w):
    """The layer's operation, for one image of one channel and one kernel."""
    return conv2d(x[None, :, :, None], w[:, :, None, None])[0][0, :, :, 0]


@st.composite
def window_grids(draw):
    """x (N, H, W, C) and windows over it: kernel, one stride and one dilation for both axes."""
    kernel, stride, dilation = (draw(fewer), draw(fewer)), draw(fewer), draw(fewer)
    size = [naive.extent(k, dilation) + draw(st.integers(0, 2)) for k in kernel]
    x = draw(filled((draw(fewer), *size, draw(fewer))))
    return {"x": x, "kernel": kernel, "stride": stride, "dilation": dilation}


def _one_row_per_window(function, **case):
    found, expected = np.shape(function(**case)), naive.im2col(**case).shape
    if found != expected:
        raise AssertionError(f"expected (windows, numbers in each) = {expected}, found shape {found}")


IM2COL = (
    Property("makes one row of every window", window_grids(), _one_row_per_window),
    equals(naive.im2col, window_grids(), statement="reads the windows row by row, their taps as (ky, kx, c)"),
)


@st.composite
def layers(draw):
    """x, w, b of a convolutional layer, and stride and pad."""
    kh, kw, c, d = (draw(fewer) for _ in range(4))
    x_shape = (draw(fewer), kh + draw(st.integers(0, 1)), kw + draw(st.integers(0, 1)), c)
    shapes = {"x": x_shape, "w": (kh, kw, c, d), "b": (d,)}
    case = {name: draw(filled(shape)) for name, shape in shapes.items()}
    return case | {"stride": draw(fewer), "pad": draw(st.integers(0, 1))}


def _has_the_shape(function, **case):
    found, expected = np.shape(function(**case)), naive.conv2d(**case).shape
    if found != expected:
        raise AssertionError(f"expected maps (N, OH, OW, D) = {expected}, found shape {found}")


CONV_AS_PRODUCT = (
    Property("gives a map for every image and kernel", layers(), _has_the_shape),
    equals(naive.conv2d, layers(), statement="gives b + the sum of x * w over every window, for every kernel"),
)


def library_conv_as_product(x, w, b, stride=1, pad=0):
    """The operation without its cache."""
    return conv2d(x, w, b, stride=stride, pad=pad)[0]


def _parameters_of_a_layer(k, c_in, c_out):
    layer = Conv2d(c_in, c_out, k, init=Initializer(np.random.default_rng(0)))
    return sum(array.size for array in layer.params.values())


PARAMETER_COUNT = (
    equals(
        _parameters_of_a_layer,
        st.fixed_dictionaries({"k": few, "c_in": few, "c_out": few}),
        statement="counts what the layer Conv2d learns",
    ),
)
