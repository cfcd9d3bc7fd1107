from typing import Any

import numpy as np

from minissd.device import Array
from minissd.engine import l2_normalize, l2_normalize_backward
from minissd.layers.initializer import Initializer
from minissd.layers.layer import Layer


class L2Normalize(Layer):
    """Unit length over the channels of every cell times a learned scale (channels,), for maps (N, H, W, channels).

    Liu et al. 2016 (SSD), section 3.1, after Liu et al. 2015 (ParseNet): the scale of conv4_3 starts at 20.
    """

    def __init__(self, channels: int, *, init: Initializer | int = 0, scale: float = 20):
        super().__init__()
        init = Initializer.of(init)
        self.params["scale"] = init.full((channels,), scale)

    def extra_repr(self) -> str:
        return f"channels {self.params['scale'].size}"

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return l2_normalize(x, self.params["scale"])

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Any, dict[str, Any]]:
        dx, dscale = l2_normalize_backward(dy, cache)
        return dx, {"scale": dscale}
