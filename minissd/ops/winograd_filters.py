"""The kernel's side of a Winograd convolution: G g G^T of all pairs of channels, and the way back for its gradient.

C D channels in and out, 6 x 6 places of a transformed kernel.
"""

import weakref
from functools import partial

import numpy as np

from minissd.backend import array_module
from minissd.ops.threads import in_turns, runs, threads_for
from minissd.ops.winograd_transforms import TILE, G
from minissd.ops.workspace import scratch

FILTER = np.kron(G, G)  # (36, 9): both axes at once

_kept = {}  # id(w) -> (weak reference to w that removes the entry, transformed filters), see `filters_of`


def filters_of(w):
    """Transformed w (3, 3, C, D) -> (6, 6, C, D), kept for the next call while w is read-only (`Network.inference`).

    That takes four times the memory of w and saves a seventh of SSD300's time for one image.  Whoever makes w writeable
    again has to call `forget`.
    """
    shape = (TILE, TILE, *w.shape[2:])
    if not _read_only(w):
        _kept.pop(id(w), None)
        return _transform_filters(w, scratch("kernels", shape, w))
    if id(w) not in _kept:
        forget = partial(_kept.pop, id(w))
        _kept[id(w)] = weakref.ref(w, forget), _transform_filters(w, np.empty(shape, w.dtype))
    return _kept[id(w)][1]


def forget(kernels):
    """What was kept for these arrays is out of date."""
    for w in kernels:
        _kept.pop(id(w), None)


def _read_only(w):
    """Whether w cannot change: an array of NumPy that may not be written to, and not a view of one that may."""
    return array_module(w).__name__ == "numpy" and w.base is None and not w.flags.writeable


def _transform_filters(w, out):
    """G g G^T for all pairs of channels: w (3, 3, C, D) -> out (6, 6, C, D)."""
    _multiply_filters(FILTER, w.reshape(9, -1), out.reshape(TILE * TILE, -1))
    return out


def kernel_gradient(total):
    """G^T (...) G: what the transformed filters' gradient (6, 6, C, D) makes of the kernel's -> (3, 3, C, D)."""
    c, d = total.shape[2:]
    dw = array_module(total).empty((9, c * d), dtype=total.dtype)
    _multiply_filters(FILTER.T, total.reshape(TILE * TILE, -1), dw)
    return dw.reshape(3, 3, c, d)


def _multiply_filters(matrix, x, out):
    """matrix (m, k) @ x (k, C*D)  ->  out (m, C*D), on all cores."""
    xp = array_module(x)
    matrix = xp.asarray(matrix, dtype=x.dtype)

    def work(pairs):
        xp.matmul(matrix, x[:, pairs], out=out[:, pairs])

    slowed = 8  # times: so small a matrix is multiplied at the speed of memory
    in_turns(work, runs(x.shape[1], threads_for(slowed * matrix.size * x.shape[1], xp)), xp)
