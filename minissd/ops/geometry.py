"""Sizes, pads and strides of sliding windows: the arithmetic that convolution and pooling share.

k_eff = k + (k - 1)(dilation - 1) is the extent of an atrous kernel, and the output size is
    OH = floor((H + pad_before + pad_after - k_eff) / stride) + 1
"""

import operator
from typing import Any

from minissd.arguments import Pad, Pair


def whole(value: Any, name: str, least: int = 0) -> int:
    """A whole number as an int, NumPy's too; ValueError for floats, bools and what is smaller than `least`."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return number


def pair(value: Pair, name: str = "value", least: int = 0) -> tuple[int, int]:
    """(vertical, horizontal) from a whole number or a pair of them."""
    both = _two(value)
    if len(both) != 2:
        raise ValueError(f"{name} must be a whole number or a pair of them, got {value!r}")
    return whole(both[0], name, least), whole(both[1], name, least)


def _two(value):
    """A sequence as a tuple, anything else twice."""
    try:
        return tuple(value)
    except TypeError:
        return value, value


def effective_kernel(k: int, dilation: int) -> int:
    """Extent of k taps with dilation - 1 holes between neighbours: k + (k - 1)(dilation - 1)."""
    k, dilation = whole(k, "kernel", 1), whole(dilation, "dilation", 1)
    return k + (k - 1) * (dilation - 1)


def pad_widths(pad: Pad, kernel: Pair, dilation: Pair = 1) -> tuple[tuple[int, int], ...]:
    """((top, bottom), (left, right)) from any way to write a pad.

    pad: int; (vertical, horizontal); ((top, bottom), (left, right)); or "same":
    floor((k - 1) / 2) above and left, floor(k / 2) below and right, k the effective kernel.  At stride 1 that
    keeps the size, for even kernels too.
    """
    if isinstance(pad, str):
        if pad != "same":
            raise ValueError(f'pad must be "same" or numbers, got {pad!r}')
        extents = [effective_kernel(k, d) for k, d in zip(pair(kernel), pair(dilation), strict=True)]
        return tuple(((k - 1) // 2, k // 2) for k in extents)
    both = _two(pad)
    if len(both) != 2:
        raise ValueError(f"pad must be an int, a pair, ((top, bottom), (left, right)) or 'same', got {pad!r}")
    return tuple(pair(side, "pad") for side in both)


def output_size(n: int, k: int, stride: int = 1, pad: Pair = 0, dilation: int = 1, *, ceil_mode: bool = False) -> int:
    """Number of windows along one axis of n cells.

    pad: int for both ends, or (before, after).  With `ceil_mode` a last, partly empty window is added where
    it still starts inside the input or the leading pad (Caffe; PyTorch), and a map smaller than the window has one.
    Without, ValueError if not one window fits.
    """
    n, stride, (before, after) = whole(n, "the number of cells", 1), whole(stride, "stride", 1), pair(pad, "pad")
    extent = effective_kernel(k, dilation)
    room = n + before + after - extent
    if room < 0 and ceil_mode:
        return 1
    if room < 0:
        raise ValueError(f"a kernel of extent {extent} does not fit into {n} cells padded by {before} + {after}")
    if not ceil_mode:
        return room // stride + 1
    size = -(-room // stride) + 1
    return size - 1 if (size - 1) * stride >= n + before else size
