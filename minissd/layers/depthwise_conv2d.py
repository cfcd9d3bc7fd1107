from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minissd.device import Array
from minissd.engine import depthwise_conv2d, depthwise_conv2d_backward
from minissd.layers.initializer import Initializer
from minissd.layers.layer import Layer, finishing, in_words


class DepthwiseConv2d(Layer):
    """Depthwise convolution of maps (N, H, W, channels) -> (N, OH, OW, channels) (Howard et al. 2017, section 3.1).

    A kernel for every channel, w (KH, KW, channels), and, unless bias=False, b (channels,).  pad, init as for `Conv2d`.
    """

    def __init__(
        self,
        channels: int,
        kernel: int,
        *,
        init: Initializer | int = 0,
        stride: int = 1,
        pad: Any = 0,
        bias: bool = True,
    ):
        super().__init__()
        init = Initializer.of(init)
        self.params["w"] = init.he((kernel, kernel, channels))
        if bias:
            self.params["b"] = init.full((channels,), 0)
        self.geometry = {"stride": stride, "pad": pad}
        self.kept: dict | None = None  # as for `minissd.engine.conv2d`

    def extra_repr(self) -> str:
        kernel, _, channels = self.params["w"].shape
        bias = "" if "b" in self.params else ", no bias"
        return f"channels {channels}, {in_words({'kernel': kernel} | self.geometry)}{bias}"

    def forward(
        self,
        x: Array,
        train: bool = False,
        rng: np.random.Generator | None = None,
        *,
        finish: Callable[[Array], None] | None = None,
    ) -> tuple[Array, Any]:
        """finish: as for `minissd.engine.conv2d`."""
        options: dict[str, Any] = self.geometry | {"kept": self.kept} | finishing(finish)
        return depthwise_conv2d(x, self.params["w"], self.params.get("b"), **options)

    def for_inference(self) -> Self:
        own = super().for_inference()
        own.kept = {}
        return own

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Any, dict[str, Any]]:
        dx, dw, db = depthwise_conv2d_backward(dy, cache, need_dx=need_dx)
        return dx, {"w": dw, "b": db} if "b" in self.params else {"w": dw}
