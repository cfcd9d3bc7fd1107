from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minissd.device import Array
from minissd.engine import conv2d, conv2d_backward
from minissd.layers.initializer import Initializer
from minissd.layers.layer import Layer, finishing, in_words


class Conv2d(Layer):
    """Convolution of maps (N, H, W, c_in) -> (N, OH, OW, c_out).

    Weights w (KH, KW, c_in, c_out) and, unless bias=False, b (c_out,).  kernel: cells a side, KH = KW; stride and
    dilation in cells, as for `minissd.engine.convolution`.  pad: cells of zeros on every side, (vertical, horizontal),
    ((top, bottom), (left, right)) or "same".  init: an `Initializer`, or a seed.  filler: "he" or "xavier", a method
    of the `Initializer`.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int,
        *,
        init: Initializer | int = 0,
        stride: int = 1,
        pad: Any = 0,
        dilation: int = 1,
        bias: bool = True,
        filler: str = "he",
    ):
        super().__init__()
        init = Initializer.of(init)
        self.params["w"] = getattr(init, filler)((kernel, kernel, c_in, c_out))
        if bias:
            self.params["b"] = init.full((c_out,), 0)
        self.geometry = {"stride": stride, "pad": pad, "dilation": dilation}
        self.kept: dict | None = None  # as for `minissd.engine.conv2d`

    def extra_repr(self) -> str:
        c_in, c_out = self.params["w"].shape[2:]
        dilated = {"dilation": self.geometry["dilation"]} if self.geometry["dilation"] != 1 else {}
        window = {"kernel": len(self.params["w"]), "stride": self.geometry["stride"], "pad": self.geometry["pad"]}
        return f"{c_in} -> {c_out}, {in_words(window | dilated)}" + ("" if "b" in self.params else ", no bias")

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
        return conv2d(x, self.params["w"], self.params.get("b"), **options)

    def for_inference(self) -> Self:
        own = super().for_inference()
        own.kept = {}
        return own

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Any, dict[str, Any]]:
        dx, dw, db = conv2d_backward(dy, cache, need_dx=need_dx)
        return dx, {"w": dw, "b": db} if "b" in self.params else {"w": dw}
