"""Convolution tap by tap: multiply first, add up afterwards; for far fewer channels out than in, as the heads have.

A kernel's tap is a matrix (C, D) for all places of the map at once.  One product has the results of all taps,
    products[n, i, j, ky, kx] = x[n, i, j] @ w[ky, kx]        (N, H, W, KH, KW, D)
and at stride 1 an output is the sum of KH*KW of them, each from a neighbouring place:
    y[n, i, j] = sum over ky, kx of products[n, i + ky*dilation - pad, j + kx*dilation - pad, ky, kx].
What moves in memory are KH*KW*D numbers for a place, where a matrix of patches has KH*KW*C.  The gradients are those of
im2col: at stride 1 it gathers patches of dy, which are small for the same reason.

N batch, H W input map, C D channels in and out, KH KW kernel, OH OW output map.
"""

from math import prod

from minissd.device import array_module
from minissd.engine.algorithms import im2col
from minissd.engine.algorithms.algorithm import Algorithm, Work, unchanged
from minissd.engine.cpu.gathering import pad
from minissd.engine.cpu.threads import in_turns


def supports(windows):
    """Whether the taps of neighbouring windows see neighbouring places; with one tap this is im2col."""
    return windows.stride == (1, 1) and windows.kernel != (1, 1)


def forward_work(windows, filters):
    n, _, _, c = windows.x_shape
    taps, cells, outputs = prod(windows.kernel), n * prod(windows.padded_size), n * prod(windows.out)
    return Work(
        calls=3 + n * (3 + taps),
        products=cells * taps * c * filters,
        numbers=(cells + outputs) * taps * filters,
        pieces=outputs * taps,
        weights=n * taps * c * filters,
    )


def forward(x, w, b, windows, finish=unchanged):
    """y (N, OH, OW, D) of `conv2d`."""
    xp, (kh, kw, c, d) = array_module(x), w.shape
    padded = pad(windows, xp.ascontiguousarray(x))
    matrix = xp.ascontiguousarray(w.transpose(2, 0, 1, 3)).reshape(c, -1)  # (C, KH*KW*D)
    y = xp.zeros((len(x), *windows.out, d), dtype=x.dtype)

    def work(i):
        products = (padded[i].reshape(-1, c) @ matrix).reshape(1, *padded.shape[1:3], kh, kw, d)
        for ky, kx in windows.taps():
            y[i] += windows.tap(products[..., ky, kx, :], ky, kx)[0]

    if len(x) > 1:
        in_turns(work, range(len(x)), xp)
    elif len(x):
        work(0)  # one image: BLAS's own threads share its product
    if b is not None:
        y += b
    finish(y)
    return y


TAPS = Algorithm("taps", "kernels above 1x1 at stride 1", supports, forward_work, None, forward, im2col.gradients)
