"""Fully connected layer.  N rows, C inputs, D outputs."""

from minissd.arguments import Cache, as_gradient, module_of
from minissd.device import Array


def linear(x: Array, w: Array, b: Array | None = None) -> tuple[Array, Cache]:
    """y = x @ w + b.  x (N, C), w (C, D), b (D,) or None -> y (N, D), cache."""
    check_linear(x, w, b)
    y = x @ w
    if b is not None:
        y += b
    return y, (x, w)


def linear_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """dy (N, D) -> dx (N, C), dw (C, D), db (D,)."""
    x, w = cache
    dy = as_gradient("linear", dy, (x.shape[0], w.shape[1]), x.dtype)
    db = dy.sum(axis=0)  # (1) every row adds the same bias
    dw = x.T @ dy  # (2) y = x w  =>  dw = x^T dy
    dx = dy @ w.T  # (3) and dx = dy w^T
    return dx, dw, db


def check_linear(x: Array, w: Array, b: Array | None) -> None:
    """Raises TypeError or ValueError unless the arguments of `linear` fit together."""
    module_of("linear", x=x, w=w, b=b)
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[0] or not w.size:
        raise ValueError(f"linear needs x (N, C) and w (C, D), got x {x.shape} and w {w.shape}")
    if b is not None and b.shape != (w.shape[1],):
        raise ValueError(f"linear: bias {b.shape} does not fit the {w.shape[1]} outputs of w {w.shape}")
