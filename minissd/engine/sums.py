"""Sums over the rows of a matrix."""

from minissd.device import array_module
from minissd.engine.cuda import on_card
from minissd.engine.cuda.sums import COLUMN_SUMS, THREADS


def column_sums(x):
    """x (M, C) -> (C,): `x.sum(axis=0)`, which is slow in CuPy."""
    if on_card(x) and x.size:
        return sums_on_card(COLUMN_SUMS, x)[0]
    return x.sum(axis=0)


def sums_on_card(kernel, x, *others):
    """The sums [(C,), ...] by a kernel of `cuda/sums.py` over x (M, C), not empty, and the other arrays it takes."""
    xp, (rows, columns) = array_module(x), x.shape
    rows_of_part = max(1, -(-rows * columns // THREADS))
    parts = -(-rows // rows_of_part)
    arrays = [xp.ascontiguousarray(array) for array in (x, *others)]
    outputs = [xp.empty((parts, columns), dtype=x.dtype) for _ in kernel.outputs.split(",")]
    kernel(*arrays, rows, columns, rows_of_part, *outputs)
    return [output.sum(axis=0) for output in outputs]
