"""The kernel's side of a Winograd convolution: G g G^T of all pairs of channels, and the way back for its gradient.

C D channels in and out, 6 x 6 places of a transformed kernel.
"""

from contextlib import contextmanager

import numpy as np

from minissd.device import array_module
from minissd.engine.algorithms.winograd_transforms import TILE, G
from minissd.engine.cpu.threads import in_turns, runs, threads_for
from minissd.engine.cpu.workspace import scratch

FILTER = np.kron(G, G)  # (36, 9): both axes at once

# id(w) -> [w, its transformed filters or None], for the kernels of `keeping`
_kept: dict[int, list[np.ndarray | None]] = {}


@contextmanager
def keeping(kernels):
    """Within the block, the transformed filters of these NumPy arrays are kept from one call to the next: for whoever
    has them to itself and changes none, as `Network.inference`.  No other array's are, read-only or not.

    That takes four times the memory of the arrays and saves a seventh of SSD300's time for one image.
    """
    entries = {id(w): [w, None] for w in kernels}
    _kept.update(entries)
    try:
        yield
    finally:
        for place in entries:
            _kept.pop(place, None)


def filters_of(w):
    """Transformed w (3, 3, C, D) -> (6, 6, C, D); what an earlier call returned is overwritten, unless it is kept."""
    shape, entry = (TILE, TILE, *w.shape[2:]), _kept.get(id(w))
    if entry is None:
        return _transform_filters(w, scratch("kernels", shape, w))
    if entry[1] is None:
        entry[1] = _transform_filters(w, np.empty(shape, w.dtype))
    return entry[1]


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
