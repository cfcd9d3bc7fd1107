"""What an algorithm of `conv2d` is.  Each is an object in a file of its own; how to add one is in CONTRIBUTING.md."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minissd.ops.windows import Windows


@dataclass(frozen=True)
class Algorithm:
    """One way to compute a convolution and its gradients.  The results of all differ only in rounding.

    N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.
    """

    name: str  # what `algorithm=` asks for
    purpose: str  # the geometries that it supports, in words
    supports: Callable[[Windows], bool]
    pays: Callable[[Windows, Any], bool]
    # forward(x, w, b, windows[, kept])  ->  y (N, OH, OW, D);  x (N, H, W, C), w (KH, KW, C, D), b (D,) or None
    forward: Callable[..., Any]
    # gradients(dy, x, w, windows, need_dx)  ->  dx (N, H, W, C), or None unless need_dx, and dw (KH, KW, C, D): one
    # function for both, which share patches and transforms; dy (N, OH, OW, D) is contiguous
    gradients: Callable[[Any, Any, Any, Windows, bool], Any]
    keeps: bool = False  # whether forward takes `kept`, as for `conv2d`
