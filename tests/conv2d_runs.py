"""What the tests of each convolution algorithm share: a run forward and backward, and the arrays it must take."""

import numpy as np
from strict_cupy import count_syncs

from minissd.device import to_numpy
from minissd.engine import conv2d, conv2d_backward


def run(algorithm, x, w, b, options, seed=0):
    """y, dx, dw, db"""
    y, cache = conv2d(x, w, b, **options, algorithm=algorithm)
    dy = np.random.default_rng(seed).standard_normal(y.shape).astype(y.dtype)
    return y, *conv2d_backward(dy, cache)


def require_any_layout_and_the_stand_in(algorithm, x, w, b, options, strict, tolerance):
    """Strided, Fortran-ordered and device arrays give what contiguous ones give, in their dtype, without waiting."""
    expected = run(algorithm, x, w, b, options)
    strided = run(algorithm, x[:, ::-1].copy()[:, ::-1], np.asfortranarray(w), np.repeat(b, 2)[::2], options)
    dy = strict.asarray(np.random.default_rng(0).standard_normal(expected[0].shape).astype(x.dtype))
    with count_syncs() as syncs:
        y, cache = conv2d(*map(strict.asarray, (x, w, b)), **options, algorithm=algorithm)
        device = y, *conv2d_backward(dy, cache)
    assert syncs == []
    for host, other, card in zip(expected, strided, device, strict=True):
        assert host.dtype == other.dtype == card.dtype == x.dtype
        np.testing.assert_allclose(other, host, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(to_numpy(card), host, rtol=tolerance, atol=tolerance)
