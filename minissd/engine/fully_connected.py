"""Fully connected layers by the matrix products of products.py, in the precision in force there."""

from minissd.arguments import Cache, as_gradient
from minissd.device import Array
from minissd.engine.products import matmul
from minissd.ops.fully_connected import check_linear


def linear(x: Array, w: Array, b: Array | None = None) -> tuple[Array, Cache]:
    """As `minissd.ops.linear`: x (N, C), w (C, D), b (D,) or None -> y (N, D), cache."""
    check_linear(x, w, b)
    y = matmul(x, w)
    if b is not None:
        y += b
    return y, (x, w)


def linear_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """As `minissd.ops.linear_backward`: dy (N, D) -> dx (N, C), dw (C, D), db (D,)."""
    x, w = cache
    dy = as_gradient("linear", dy, (x.shape[0], w.shape[1]), x.dtype)
    dx = matmul(dy, w.T)  # (1) each input reaches every output through its row of w
    dw = matmul(x.T, dy)  # (2) summed over the batch
    db = dy.sum(axis=0)  # (3)
    return dx, dw, db
