"""What holds for the arithmetic of fast code: counts, blocks, Winograd's products, folded batch norm."""

from itertools import pairwise, product

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import naive
from minissd.engine import fold_batch_norm
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import few, half_numbers

small = half_numbers()


@st.composite
def _geometries(draw):
    kernel = draw(few)
    size = st.integers(kernel, kernel + 3)
    x_shape = draw(few), draw(size), draw(size), draw(few)
    w_shape = kernel, kernel, x_shape[3], draw(few)
    return {"x_shape": x_shape, "w_shape": w_shape, "stride": draw(few), "pad": draw(st.integers(0, 1))}


def _counted_by_loops(x_shape, w_shape, stride, pad):
    """(multiply-adds, bytes), one place and one number after the other."""
    (n, h, w, _), (kh, kw, c, d) = x_shape, w_shape
    out = naive.output_size(h, kh, stride, pad), naive.output_size(w, kw, stride, pad)
    work = sum(1 for _ in product(*map(range, (n, *out, kh, kw, c, d))))
    numbers = sum(1 for shape in (x_shape, w_shape, (n, *out, d)) for _ in np.ndindex(*shape))
    return work, 4 * numbers


CONVOLUTION_COST = (
    equals(_counted_by_loops, _geometries(), statement="counts what the loops of a convolution multiply and touch"),
)


def _covers(function, rows, row_bytes, cache_bytes):
    blocks = function(rows, row_bytes, cache_bytes)
    assert all(isinstance(block, slice) for block in blocks), "the result should be a list of slices"
    visited = [row for block in blocks for row in range(rows)[block]]
    assert visited == list(range(rows)), f"the blocks visit the rows {visited} of {rows}"


def _fits(function, rows, row_bytes, cache_bytes):
    for block in function(rows, row_bytes, cache_bytes):
        count = len(range(rows)[block])
        assert count <= max(1, cache_bytes // row_bytes), f"a block of {count} rows does not fit into the cache"


def _few(function, rows, row_bytes, cache_bytes):
    count, most = len(function(rows, row_bytes, cache_bytes)), max(1, cache_bytes // row_bytes)
    assert count <= -(-rows // most), f"{count} blocks, where {-(-rows // most)} would do"


_memories = st.fixed_dictionaries(
    {"rows": st.integers(0, 9), "row_bytes": st.integers(1, 6), "cache_bytes": st.integers(1, 20)}
)
ROW_BLOCKS = (
    Property("visits every row once, in order", _memories, _covers),
    Property("keeps each block within the cache", _memories, _fits),
    Property("makes no more blocks than it has to", _memories, _few),
)


class Counted:
    """A number that counts how often two numbers of its kind are multiplied; factors known beforehand are free."""

    products = 0
    lost = False  # whether one was made a plain number, whose products nobody counts

    def __init__(self, value):
        self.value = value

    def __mul__(self, other):
        if isinstance(other, Counted):
            Counted.products += 1
            return Counted(self.value * other.value)
        return Counted(self.value * other)

    __rmul__ = __mul__

    def __float__(self):
        Counted.lost = True
        return float(self.value)

    def __add__(self, other):
        return Counted(self.value + _value(other))

    __radd__ = __add__

    def __neg__(self):
        return Counted(-self.value)

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __eq__(self, other):
        return abs(self.value - _value(other)) < 1e-9

    def __truediv__(self, factor):
        return Counted(self.value / factor)


def _value(number):
    return number.value if isinstance(number, Counted) else number


def _correlated(d, g):
    """Two outputs of a kernel of three taps on four inputs."""
    return np.array([sum(d[i + k] * g[k] for k in range(3)) for i in range(2)])


def _two_outputs(function, d, g):
    require_equal(np.array(function(d, g)), _correlated(d, g))


def _four_products(function, d, g):
    Counted.products, Counted.lost = 0, False
    function([Counted(value) for value in d], [Counted(value) for value in g])
    count = Counted.products
    if Counted.lost:
        return _as_four_products_round(function)
    assert count == 4, f"it multiplies {count} times; the definition takes 6, four are enough"


def _as_four_products_round(function):
    """An input of 1e20 swallows its neighbour in d[0] - d[2]; the definition multiplies each by itself."""
    first = float(function([1.0, 0.0, 1e20, 0.0], [1.0, 0.0, 0.0])[0])
    assert first == 0, "it multiplies as the definition does: that takes 6 products, four are enough"


_taps = st.fixed_dictionaries({"d": arrays(float, 4, elements=small), "g": arrays(float, 3, elements=small)})
WINOGRAD_ROW = (
    Property("gives two outputs of the correlation", _taps, _two_outputs),
    Property("multiplies inputs with weights four times", _taps, _four_products),
)


@st.composite
def _layers(draw):
    c, d = draw(few), draw(few)
    numbers = {name: draw(arrays(float, d, elements=small)) for name in ("b", "gamma", "beta", "mean")}
    positive = st.integers(0, 9).map(float)
    return {
        "w": draw(arrays(float, (c, d), elements=small)),
        **numbers,
        "var": draw(arrays(float, d, elements=positive)),
        "eps": draw(st.sampled_from([1e-5, 0.5])),
    }


def _same_layer(function, w, b, gamma, beta, mean, var, eps):
    folded = function(w, b, gamma, beta, mean, var, eps)
    assert isinstance(folded, tuple | list) and len(folded) == 2, "the result should be new weights and a new bias"
    x = np.vstack([np.zeros(len(w)), np.eye(len(w))])  # the bias alone, then each weight
    normalised = gamma * (x @ w + b - mean) / np.sqrt(var + eps) + beta
    found = x @ folded[0] + folded[1]
    require_equal(found[0], normalised[0], what="the output for zeros", rtol=1e-6)
    require_equal(found, normalised, what="the output", rtol=1e-6, atol=1e-6)


def folded(w, b, gamma, beta, mean, var, eps):
    """The library's own, by the names of the exercise."""
    return fold_batch_norm(w, b, gamma, beta, mean, var, eps=eps)


FOLD = (Property("does in one layer what two did", _layers(), _same_layer),)


def _edges(function, length, count):
    found = function(length, count)
    edges = [0, *(piece.stop for piece in found)]
    assert [(piece.start, piece.stop) for piece in found] == list(pairwise(edges)), (
        "the shares should follow each other"
    )
    assert edges[-1] == length, f"the shares end at {edges[-1]} of {length}"


def _even(function, length, count):
    sizes = [piece.stop - piece.start for piece in function(length, count)]
    assert not sizes or max(sizes) - min(sizes) <= 1, f"shares of {sizes} rows: the slowest thread decides"
    assert len(sizes) == min(length, count), f"{len(sizes)} shares for {count} threads and {length} rows"


_shares = st.fixed_dictionaries({"length": st.integers(0, 12), "count": st.integers(1, 5)})
THREAD_SHARES = (
    Property("cuts the rows into shares without gap or overlap", _shares, _edges),
    Property("gives every thread as much as the others", _shares, _even),
)
