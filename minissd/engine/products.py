"""Matrix products, and the precision in which a GPU computes them.

    fp32   float32 as it is: what gradient checks and parity with the CPU need, and the default
    tf32   cuBLAS rounds the factors to 10 bits of mantissa on their way into the tensor cores (Ampere and later)
    fp16   the factors are rounded to float16 (10 bits, up to 65504), added up in float32, and the result rounded
           once more; everything else, the parameters above all, stays float32.  Small gradients would vanish in
           that: training scales the loss (`training/loss_scale.py`)

float64 is exact always.  The choice holds within a `with precision(...)` block, for the thread that enters it.
"""

from contextlib import contextmanager

import numpy as np

from minissd.device import array_module
from minissd.device.card import PRECISIONS, tensor_cores
from minissd.engine.cpu.blas import blas_architecture
from minissd.engine.runtime import choosing, current
from minissd.engine.tuning import tuning_in_force
from minissd.errors import MinissdError

# Architectures, as OpenBLAS names them, with AVX-512: there it has kernels for small products that read both factors as
# they are, where all others copy them into an order of their own before they multiply.
WITH_SMALL_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}


@contextmanager
def precision(name):
    """Within the block, matrix products of float32 arrays are taken in one of PRECISIONS."""
    if name not in PRECISIONS:
        raise MinissdError(f"precision {name!r} is not known: choose one of {', '.join(PRECISIONS)}")
    with choosing(precision=name), tensor_cores(name == "tf32"):
        yield


def precision_in_force():
    return current().precision


def factor(x):
    """x as products take it: float16 for a float32 array under fp16, else as it is.

    Where an array is a factor more than once, or is gathered into patches, this is done before.
    """
    return x.astype(np.float16) if x.dtype == np.float32 and precision_in_force() == "fp16" else x


def matmul(a, b, out=None):
    """a @ b of two matrices, into `out` if given; float32 of float16 factors."""
    xp, a, b = array_module(a, b), factor(a), factor(b)
    if a.dtype != np.float16:
        if xp is np:
            return _on_host(a, b, out)
        return xp.matmul(a, b) if out is None else xp.matmul(a, b, out=out)
    product = _half_on_host(a, b) if xp is np else xp.matmul(a, b)  # summed in float32, put out as float16
    if out is None:
        return product.astype(np.float32)
    out[...] = product
    return out


def _on_host(a, b, out):
    """a @ b for float32 and float64: where one matrix is long and the other small, in pieces."""
    (m, k), n = a.shape, b.shape[1]
    if k == 1:  # which NumPy does not leave to BLAS
        return np.multiply(a, b, out=out)
    if _rows_of_a_piece(m, k, n):
        out = np.empty((m, n), dtype=a.dtype) if out is None else out
        in_pieces(a, b, out)
        return out
    terms = _small() // max(m * n, 1)  # of the sums at a time
    if tuning_in_force().sizes.least_terms <= terms < k and m * n and out is None:
        whole = k - k % terms
        pieces = a[:, :whole].reshape(m, -1, terms).swapaxes(0, 1), b[:whole].reshape(-1, terms, n)
        return np.matmul(*pieces).sum(axis=0) + a[:, whole:] @ b[whole:]
    return np.matmul(a, b, out=out)


def in_pieces(a, b, out):
    """a @ b of stacks of matrices (..., m, k) and (..., k, n) into out, in pieces as above where that pays."""
    m = a.shape[-2]
    rows = _rows_of_a_piece(m, *b.shape[-2:]) if array_module(a, b) is np else 0
    if rows:
        whole = m - m % rows
        pieces, places = (one[..., :whole, :].reshape(*one.shape[:-2], -1, rows, one.shape[-1]) for one in (a, out))
        np.matmul(pieces, b[..., None, :, :], out=places)
        a, out = a[..., whole:, :], out[..., whole:, :]
    array_module(a, b).matmul(a, b, out=out)


def _rows_of_a_piece(m, k, n):
    """How many rows of (m, k) times (k, n) to multiply at a time; 0 where all at once is as fast."""
    rows = _small() // max(k * n, 1)
    return rows if tuning_in_force().sizes.least_rows <= rows < m and k * n else 0


def _small():
    return tuning_in_force().sizes.small_product if blas_architecture() in WITH_SMALL_KERNELS else 0


def _half_on_host(a, b):
    """NumPy's BLAS has no float16: the same sums, rounded as a GPU rounds them."""
    return (a.astype(np.float32) @ b.astype(np.float32)).astype(np.float16)
