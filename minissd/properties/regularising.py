"""What holds for dropout and for affine augmentation."""

from itertools import product

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from minissd import engine, naive
from minissd.data.affine import Affine
from minissd.gradcheck.digits import apart
from minissd.properties.box_sets import corners
from minissd.properties.core import Property, equals
from minissd.properties.plain import few, halves

# --- the library's functions in the shape of the exercises ---


class _Drawn:
    """A generator that draws what it is told."""

    def __init__(self, uniform):
        self.uniform = uniform

    def random(self, shape):
        return self.uniform.reshape(shape)


def inverted_dropout(x, rate, uniform):
    return engine.dropout(x, rate, _Drawn(uniform))[0]


def affine_boxes(corners, matrix):
    return Affine(*matrix.ravel()).corners(corners)


def affine_picture(image, matrix, fill):
    (height, width), side = image.shape, max(image.shape)
    square = np.full((side, side), fill, np.uint8)  # what the library's takes; beyond the picture there is the fill
    square[:height, :width] = image
    a, b, c, d, e, f = matrix.ravel()
    moved = Affine(a, b, c / side, d, e, f / side).resample(square, fill, Image.Resampling.NEAREST)[:height, :width]
    return moved.astype(image.dtype)


# --- dropout ---


@st.composite
def _units(draw):
    x = draw(halves((draw(few), draw(few))))
    uniform = draw(arrays(np.float64, x.shape, elements=st.sampled_from([0.1, 0.25, 0.4, 0.6, 0.75, 0.9])))
    return {"x": x, "rate": draw(st.sampled_from([0.0, 0.2, 0.5, 0.8])), "uniform": uniform}


def _rates():
    return st.fixed_dictionaries({"value": st.integers(1, 9).map(float), "rate": st.sampled_from([0.25, 0.5, 0.75])})


def _drops_its_share(function, value, rate):
    y = function(np.full(100, value), rate, (np.arange(100) + 0.5) / 100)
    found = (y == 0).mean()
    assert np.isclose(found, rate), f"of 100 units {found:.0%} are dropped, expected {rate:.0%}"


def _keeps_the_mean(function, value, rate):
    y = function(np.full(100, value), rate, (np.arange(100) + 0.5) / 100)
    given, wanted = apart(y.mean(), value)
    assert np.isclose(y.mean(), value), f"the mean of 100 units of {wanted} becomes {given}"


INVERTED_DROPOUT = (
    Property("drops the share `rate` of the units", _rates(), _drops_its_share),
    Property("keeps the mean of many units", _rates(), _keeps_the_mean),
    equals(
        lambda x, rate, uniform: naive.dropout(x, uniform >= rate, rate),
        _units(),
        statement="drops the units whose number is below the rate and enlarges the others",
    ),
)


# --- affine maps ---


TURNS = ([1, 0, 0, 1], [0, 1, -1, 0], [-1, 0, 0, -1], [0, -1, 1, 0], [-1, 0, 0, 1], [1, 0, 0, -1])


@st.composite
def _matrices(draw, side, step, turned=True, zooms=(1, 2)):
    """(2, 3): quarter turns, mirror images and zooms about the centre of a square, then a shift by -1, 0 or 1 steps."""
    turn = draw(st.sampled_from(TURNS)) if turned else TURNS[0]
    linear = np.reshape(turn, (2, 2)) * float(draw(st.sampled_from(zooms)))
    shift = np.array(draw(st.tuples(st.integers(-1, 1), st.integers(-1, 1)))) * step
    return np.column_stack([linear, side / 2 - linear.sum(axis=1) * side / 2 + shift])


SLANTED = np.array([[0.75, 0.5, 0], [-0.5, 0.75, 0.25]])  # a turn by 34 degrees, with a zoom


def _boxes(turned):
    matrices = _matrices(1, 1 / 4, turned)
    if turned:
        matrices |= st.just(SLANTED)
    return st.fixed_dictionaries({"corners": corners(1, 2), "matrix": matrices})


def _hulls(corners, matrix):
    """By all points of the outline, one after the other."""
    hulls = []
    for x0, y0, x1, y1 in corners.tolist():
        points = [matrix @ (x, y, 1) for x, y in product((x0, x1), (y0, y1))]
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        hulls.append([min(xs), min(ys), max(xs), max(ys)])
    return np.array(hulls).reshape(-1, 4)


def _in_order(function, corners, matrix):
    found = np.asarray(function(corners, matrix))
    if not (found[:, 2:] > found[:, :2]).all():
        raise AssertionError(f"a box ends before it begins: {found.round(4).tolist()} (x_min, y_min, x_max, y_max)")


AFFINE_BOXES = (
    equals(_hulls, _boxes(turned=False), statement="lets the boxes follow a zoom and a shift"),
    Property("outputs boxes whose x_max and y_max are the larger ones", _boxes(turned=True), _in_order),
    equals(_hulls, _boxes(turned=True), statement="gives the upright box around all four corners"),
)


@st.composite
def _pictures(draw, turned, zooms):
    side = draw(st.sampled_from([2, 4]))
    image = draw(arrays(np.int64, (side, side), elements=st.integers(0, 9)))
    return {"image": image, "matrix": draw(_matrices(side, 1, turned, zooms)), "fill": draw(st.integers(0, 3))}


@st.composite
def _oblong(draw):
    """A picture of unlike sides, sheared along one of them and shifted so that centres of pixels meet such centres."""
    shape = draw(st.sampled_from([(2, 4), (4, 2), (1, 3), (3, 2)]))
    image = draw(arrays(np.int64, shape, elements=st.integers(0, 9)))
    along, across = draw(st.integers(-2, 2)) + 0.5, float(draw(st.integers(-1, 1)))
    shear = draw(st.sampled_from([1.0, -1.0]))
    down = np.array([[1, shear, along], [0, 1, across]])
    right = np.array([[1, 0, across], [shear, 1, along]])
    return {"image": image, "matrix": draw(st.sampled_from([down, right])), "fill": draw(st.integers(0, 3))}


def _pulled(image, matrix, fill):
    """Every pixel of the new picture asks where it came from."""
    (a, b, c), (d, e, f) = matrix.tolist()
    determinant = a * e - b * d
    rows, columns = image.shape
    y = np.full(image.shape, fill)
    for i, j in np.ndindex(image.shape):
        u, v = j + 0.5 - c, i + 0.5 - f
        column, row = int((e * u - b * v) // determinant), int((a * v - d * u) // determinant)
        if 0 <= row < rows and 0 <= column < columns:
            y[i, j] = image[row, column]
    return y


AFFINE_PICTURE = (
    equals(_pulled, _pictures(False, (1,)), statement="shifts, and fills what comes in from outside"),
    equals(_pulled, _pictures(True, (1,)), statement="turns and mirrors as the matrix says"),
    equals(_pulled, _pictures(False, (2,)), statement="zooms in without holes"),
    equals(_pulled, _oblong(), statement="shears pictures that are not square"),
)
