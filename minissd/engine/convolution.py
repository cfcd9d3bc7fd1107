"""Convolution by one of six algorithms, that of least estimated cost; their results differ only in rounding.

What they compute, and the gradients as on paper, is in `minissd/ops/convolution.py`.

    im2col         multiplies a matrix of patches, block by block: any geometry
    winograd       needs a quarter of the multiplications for 3x3 kernels at stride 1
    winograd-rows  needs half of them, with cheaper transforms: for fewer channels
    strided        takes patches as views of the map, at strides above 1
    taps           a product per kernel position, then sums of shifted maps: for the few output channels of the heads
    banded         a product of whole rows of the map with a banded (Toeplitz) matrix: for small maps of few channels,
                   such as handwritten digits

Each is a file of `minissd/engine/algorithms`.

N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.
"""

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from minissd.arguments import Cache, Pad, Pair, as_gradient
from minissd.device import Array, array_module
from minissd.engine.algorithms import ALGORITHMS
from minissd.engine.algorithms.algorithm import unchanged
from minissd.engine.cpu.threads import threads_for
from minissd.engine.cuda import on_card
from minissd.engine.products import precision_in_force
from minissd.engine.sums import column_sums
from minissd.engine.tuning import tuning_in_force
from minissd.ops.convolution import conv2d_windows
from minissd.ops.windows import Windows


class Conv2dCache(NamedTuple):
    x: object  # (N, H, W, C)
    w: object  # (KH, KW, C, D)
    windows: Windows
    has_bias: bool
    algorithm: str  # that computed y
    requested: str  # if it is "auto", the gradients choose for themselves


def conv2d(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Pair = 1,
    pad: Pad = 0,
    dilation: Pair = 1,
    algorithm: str = "auto",
    kept: dict | None = None,
    finish: Callable[[Array], None] = unchanged,
) -> tuple[Array, Cache]:
    """As `minissd.ops.conv2d`: x (N, H, W, C), w (KH, KW, C, D), b (D,) or None  ->  y (N, OH, OW, D), cache.

    algorithm: "im2col", "winograd" and "winograd-rows" (3x3 at stride 1), "strided" (stride above 1), "taps" (stride
    1), "banded" (no dilation) or "auto", that of least estimated cost.
    kept: a dict in which to keep what is made of w, for a caller who has the same w, unchanged, in many calls.
    finish: changes parts of y in place while they lie in the cache, whatever their shape: what follows at once, such as
    `rectify`, whose gradient is another's affair (the backward pass knows nothing of it).
    Winograd's relative error in float32 is about 1e-5, that of the others below 1e-6.
    """
    windows = conv2d_windows(x, w, b, stride, pad, dilation)
    name = _least_cost(x, w, windows) if algorithm == "auto" else _supporting(algorithm, windows)
    chosen = ALGORITHMS[name]
    y = chosen.forward(x, w, b, windows, finish, **({"kept": kept} if chosen.keeps else {}))
    return y, Conv2dCache(x, w, windows, b is not None, name, algorithm)


def conv2d_backward(dy: Array, cache: Cache, *, need_dx: bool = True) -> tuple[Array | None, Array, Array | None]:
    """As `minissd.ops.conv2d_backward`.  dy: (N, OH, OW, D)  ->  dx: (N, H, W, C), dw: (KH, KW, C, D), db: (D,).

    need_dx=False leaves dx out (None): the first layer of a network in training does not need it.
    """
    x, w, windows, has_bias, chosen, requested = cache
    if requested == "auto":
        chosen = _least_cost(x, w, windows, need_dx)
    xp, y_shape = array_module(dy, x, w), (x.shape[0], *windows.out, w.shape[3])
    dy = xp.ascontiguousarray(as_gradient("conv2d", dy, y_shape, x.dtype))
    db = column_sums(dy.reshape(-1, w.shape[3])) if has_bias else None  # every position adds the same bias
    return *ALGORITHMS[chosen].gradients(dy, x, w, windows, need_dx), db


def _least_cost(x, w, windows, need_dx=None):
    """The name of the algorithm for the forward pass or, where need_dx is given, for the gradients.

    On a GPU only im2col and Winograd's method are considered.  The large products of im2col go to the tensor cores, if
    the precision allows them; in exact float32 they take most of the time, and Winograd's method, for which TF32 and
    float16 are too coarse, needs a quarter of them.  The others save short copies, which cost little there.  This
    follows from counting operations, it is not measured.
    """
    names, precision = tuple(ALGORITHMS), precision_in_force()
    if on_card(x) or precision == "fp16":
        names = ("im2col", "winograd") if precision == "fp32" else ("im2col",)
    return _cheapest(names, windows, w.shape[3], need_dx, threads_for(sys.maxsize, array_module(x)), tuning_in_force())


@lru_cache(maxsize=4096)
def _cheapest(names, windows, filters, need_dx, threads, _):
    """The name of the algorithm of least cost among those that support the windows; the last argument: the tuning."""
    supporting = [ALGORITHMS[name] for name in names if ALGORITHMS[name].supports(windows)]
    return min(supporting, key=lambda algorithm: algorithm.cost(windows, filters, need_dx, threads)).name


def _supporting(name, windows):
    """The name of an algorithm that was asked for; ValueError if there is none, or not for these windows."""
    if not isinstance(name, str) or name not in ALGORITHMS:
        known = ", ".join(f'"{name}"' for name in ("auto", *ALGORITHMS))
        raise ValueError(f"conv2d: algorithm must be one of {known}, got {name!r}")
    if not ALGORITHMS[name].supports(windows):
        given = f"kernel {windows.kernel} at stride {windows.stride}, dilation {windows.dilation}"
        raise ValueError(f'conv2d: algorithm "{name}" is for {ALGORITHMS[name].purpose}, got {given}')
    return name
