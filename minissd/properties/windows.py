"""What Hypothesis draws: window geometries, valid by construction and small enough for the naive loops."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

seeds = st.integers(0, 2**32 - 1)


class Geometry(NamedTuple):
    """Windows over a batch of maps; `options` are the keywords of the operation."""

    x_shape: tuple  # (N, H, W, C)
    kernel: tuple  # (KH, KW)
    options: dict

    def x(self, seed):
        return np.random.default_rng(seed).standard_normal(self.x_shape)


@st.composite
def convolutions(draw, max_stride=3, max_dilation=3):
    """Stride, dilation and pad in all their spellings; the map is at least as large as one window."""
    kernel, stride, dilation = (
        draw(st.tuples(st.integers(1, most), st.integers(1, most))) for most in (3, max_stride, max_dilation)
    )
    extents = [(k - 1) * r + 1 for k, r in zip(kernel, dilation, strict=True)]
    pad = draw(_pads())
    if draw(st.booleans()):
        pad, widths = "same", [((k - 1) // 2, k // 2) for k in extents]
    else:
        widths = _widths(pad)
    options = {"stride": _shortest(draw, stride), "pad": pad, "dilation": _shortest(draw, dilation)}
    return Geometry(draw(_maps(extents, widths)), kernel, options)


@st.composite
def poolings(draw):
    """Like `convolutions`, but no dilation, every pad smaller than the kernel, and ceil_mode or not."""
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3)))
    widths = tuple(tuple(draw(st.integers(0, k - 1)) for _ in range(2)) for k in kernel)
    options = {"stride": stride, "pad": widths, "ceil_mode": draw(st.booleans())}
    return Geometry(draw(_maps(kernel, widths)), kernel, options)


def _pads():
    width = st.integers(0, 2)
    two = st.tuples(width, width)
    return width | two | st.tuples(two, two)


def _widths(pad):
    """((top, bottom), (left, right)) of a pad spelt in numbers."""
    both = (pad, pad) if isinstance(pad, int) else pad
    return [(side, side) if isinstance(side, int) else side for side in both]


def _shortest(draw, pair):
    """(2, 2) may also be written 2."""
    return pair[0] if pair[0] == pair[1] and draw(st.booleans()) else pair


@st.composite
def _maps(draw, extents, widths):
    sizes = [
        max(1, extent - before - after) + draw(st.integers(0, 4))
        for extent, (before, after) in zip(extents, widths, strict=True)
    ]
    return draw(st.integers(1, 2)), *sizes, draw(st.integers(1, 3))
