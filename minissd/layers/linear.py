from typing import Any

import numpy as np

from minissd.device import Array
from minissd.engine import linear, linear_backward
from minissd.layers.initializer import Initializer
from minissd.layers.layer import Layer


class Linear(Layer):
    """y = x @ w + b: vectors x (N, c_in) -> (N, c_out), with w (c_in, c_out), b (c_out,).

    init: an `Initializer`, or a seed.  filler: "he" or "xavier", a method of the `Initializer`.
    """

    def __init__(self, c_in: int, c_out: int, *, init: Initializer | int = 0, filler: str = "he"):
        super().__init__()
        init = Initializer.of(init)
        self.params = {"w": getattr(init, filler)((c_in, c_out)), "b": init.full((c_out,), 0)}

    def extra_repr(self) -> str:
        return " -> ".join(map(str, self.params["w"].shape))

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return linear(x, self.params["w"], self.params["b"])

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Any, dict[str, Any]]:
        dx, dw, db = linear_backward(dy, cache)
        return dx, {"w": dw, "b": db}
