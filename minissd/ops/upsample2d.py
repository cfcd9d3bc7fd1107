"""Upsampling by repetition: every cell becomes a square of factor x factor equal cells."""

from minissd.backend import array_module


def upsample2d(x, factor):
    """x (N, H, W, C) -> y (N, H*factor, W*factor, C), cache: the nearest cell's value."""
    if x.ndim != 4 or factor < 1:
        raise ValueError(f"upsample2d needs x (N, H, W, C) and a factor of at least 1, got x {x.shape} and {factor}")
    return array_module(x).repeat(x, factor, axis=1).repeat(factor, axis=2), factor


def upsample2d_backward(dy, factor):
    """dy (N, H*factor, W*factor, C) -> dx (N, H, W, C): a cell collects the gradients of all its copies."""
    n, height, width, c = dy.shape
    return dy.reshape(n, height // factor, factor, width // factor, factor, c).sum(axis=(2, 4))
