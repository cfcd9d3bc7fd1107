"""L2 normalisation over the channels with a learned scale per channel (SSD: conv4_3, scale 20 to start with).

y[..., c] = scale[c] * x[..., c] / sqrt(sum_k x[..., k]^2 + eps).  eps stands inside the root: outside it, the
gradient at a zero vector would be 0/0.
"""

from minissd.arguments import Cache, as_gradient, module_of
from minissd.device import Array


def l2_normalize(x: Array, scale: Array, eps: float = 1e-10) -> tuple[Array, Cache]:
    """x (..., C), scale (C,) -> y (..., C), cache."""
    xp, eps = module_of("l2_normalize", x=x, scale=scale), float(eps)
    if scale.shape != x.shape[-1:]:
        raise ValueError(f"l2_normalize: scale {scale.shape} does not fit x {x.shape}")
    inverse_norm = 1 / xp.sqrt((x * x).sum(axis=-1, keepdims=True) + eps)  # (..., 1)
    return x * inverse_norm * scale, (x, scale, inverse_norm)


def l2_normalize_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """dy (..., C) -> dx (..., C), dscale (C,)."""
    x, scale, inverse_norm = cache
    dy = as_gradient("l2_normalize", dy, x.shape, x.dtype)
    unit = x * inverse_norm  # the direction, without scale
    dscale = (dy * unit).reshape(-1, x.shape[-1]).sum(axis=0)
    dunit = dy * scale
    # (1) through x itself; (2) through the norm: minus the part of dunit along the direction
    dx = inverse_norm * (dunit - unit * (dunit * unit).sum(axis=-1, keepdims=True))
    return dx, dscale
