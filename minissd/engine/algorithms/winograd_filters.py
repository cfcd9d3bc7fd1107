"""The kernel's side of a Winograd convolution: G g G^T of all pairs of channels, and the way back for its gradient.

C D channels in and out, 6 x 6 places of a transformed kernel.
"""

import numpy as np

from minissd.device import array_module
from minissd.engine.algorithms.winograd_transforms import TILE, G
from minissd.engine.cpu.threads import in_turns, runs, threads_for

FILTER = np.kron(G, G)  # (36, 9): both axes at once


def filters_of(w, scratch, kept=None):
    """Transformed w (3, 3, C, D) -> (6, 6, C, D), in memory of the loan `scratch`; or those of `kept`, as for `conv2d`.

    To keep them takes four times the memory of w and saves a seventh of SSD300's time for one image.
    """
    shape = TILE, TILE, *w.shape[2:]
    if kept is None:
        return _transform_filters(w, scratch(shape, w))
    if "winograd" not in kept:
        kept["winograd"] = _transform_filters(w, array_module(w).empty(shape, w.dtype))
    return kept["winograd"]


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
