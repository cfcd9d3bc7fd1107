from typing import Any

import numpy as np

from minissd.device import Array
from minissd.engine import conv_transpose2d, conv_transpose2d_backward
from minissd.layers.initializer import Initializer
from minissd.layers.layer import Layer, in_words


class ConvTranspose2d(Layer):
    """Transposed convolution of maps (N, H, W, c_in) -> (N, OH, OW, c_out), OH = (H - 1) stride - 2 pad + kernel.

    Weights w (KH, KW, c_out, c_in), as the convolution from the output back to x has them, and b (c_out,).
    """

    def __init__(
        self, c_in: int, c_out: int, kernel: int, *, init: Initializer | int = 0, stride: int = 1, pad: int = 0
    ):
        super().__init__()
        init = Initializer.of(init)
        seen = c_in * kernel**2 / stride**2  # by an output, on average: the others' taps fall on its neighbours
        self.params = {"w": init.he((kernel, kernel, c_out, c_in), fan_in=seen), "b": init.full((c_out,), 0)}
        self.geometry = {"stride": stride, "pad": pad}

    def extra_repr(self) -> str:
        kernel, _, c_out, c_in = self.params["w"].shape
        return f"{c_in} -> {c_out}, {in_words({'kernel': kernel} | self.geometry)}"

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return conv_transpose2d(x, self.params["w"], self.params["b"], **self.geometry)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Any, dict[str, Any]]:
        dx, dw, db = conv_transpose2d_backward(dy, cache)
        return dx, {"w": dw, "b": db}
