"""Convolution by the fastest of six algorithms, whose results differ only in rounding.  What they compute, and the
gradients as on paper, is in `minissd/ops/convolution.py`.

    im2col         multiplies a matrix of patches, block by block: any geometry
    winograd       needs a quarter of the multiplications for 3x3 kernels at stride 1
    winograd-rows  needs half of them, with cheaper transforms: for fewer channels
    strided        takes patches as views of the map, at strides above 1
    taps           multiplies before it moves anything: for the few output channels of the heads
    banded         multiplies by whole rows of the map: for small maps of few channels, such as handwritten digits

Each is a file of `minissd/engine/algorithms`.

N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.
"""

from typing import NamedTuple

from minissd.arguments import Cache, Pad, Pair, gradient_of
from minissd.device import Array, array_module
from minissd.engine.algorithms import ALGORITHMS
from minissd.engine.cuda import on_card
from minissd.engine.products import precision_in_force
from minissd.engine.sums import column_sums
from minissd.ops.convolution import conv2d_windows
from minissd.ops.windows import Windows


class Conv2dCache(NamedTuple):
    x: object  # (N, H, W, C)
    w: object  # (KH, KW, C, D)
    windows: Windows
    has_bias: bool
    algorithm: str


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
) -> tuple[Array, Cache]:
    """As `minissd.ops.conv2d`: x (N, H, W, C), w (KH, KW, C, D), b (D,) or None  ->  y (N, OH, OW, D), cache.

    algorithm: "im2col", "winograd" and "winograd-rows" (3x3 at stride 1), "strided" (stride above 1), "taps" (stride
    1), "banded" (no dilation) or "auto", the fastest.
    kept: a dict in which to keep what is made of w, for a caller who has the same w, unchanged, in many calls.
    Winograd's relative error in float32 is about 1e-5, that of the others below 1e-6.
    """
    windows = conv2d_windows(x, w, b, stride, pad, dilation)
    algorithm = _choose(algorithm, x, w, windows)
    chosen = ALGORITHMS[algorithm]
    y = chosen.forward(x, w, b, windows, **({"kept": kept} if chosen.keeps else {}))
    return y, Conv2dCache(x, w, windows, b is not None, algorithm)


def conv2d_backward(dy: Array, cache: Cache, *, need_dx: bool = True) -> tuple[Array | None, Array, Array | None]:
    """As `minissd.ops.conv2d_backward`.  dy: (N, OH, OW, D)  ->  dx: (N, H, W, C), dw: (KH, KW, C, D), db: (D,).

    need_dx=False leaves dx out (None): the first layer of a network in training does not need it.
    """
    x, w, windows, has_bias, algorithm = cache
    xp, y_shape = array_module(dy, x, w), (x.shape[0], *windows.out, w.shape[3])
    dy = xp.ascontiguousarray(gradient_of("conv2d", dy, y_shape, x.dtype))
    db = column_sums(dy.reshape(-1, w.shape[3])) if has_bias else None  # every position adds the same bias
    return *ALGORITHMS[algorithm].gradients(dy, x, w, windows, need_dx), db


def _choose(algorithm, x, w, windows):
    """The algorithm's name; "auto" is the first one that supports the windows and pays.

    On a GPU im2col's large products go to the tensor cores, if the precision allows them.  In exact float32 they are
    what takes the time, and Winograd's method, which TF32 and float16 are too coarse for, needs a quarter of them.
    That is counted, not measured.  What the others save on a CPU, short copies, costs little there.
    """
    if algorithm == "auto":
        if on_card(x) or precision_in_force() == "fp16":
            winograd = ALGORITHMS["winograd"]
            pays = precision_in_force() == "fp32" and winograd.supports(windows) and winograd.pays(windows, w)
            return "winograd" if pays else "im2col"
        return next(one.name for one in ALGORITHMS.values() if one.supports(windows) and one.pays(windows, w))
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        known = ", ".join(f'"{name}"' for name in ("auto", *ALGORITHMS))
        raise ValueError(f"conv2d: algorithm must be one of {known}, got {algorithm!r}")
    if not ALGORITHMS[algorithm].supports(windows):
        given = f"kernel {windows.kernel} at stride {windows.stride}, dilation {windows.dilation}"
        raise ValueError(f'conv2d: algorithm "{algorithm}" is for {ALGORITHMS[algorithm].purpose}, got {given}')
    return algorithm
