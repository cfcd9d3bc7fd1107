"""The heads of SSDLite: as those of heads.py, of separable convolutions.

N batch, H W D the map, k default boxes in each of its cells, C classes (0 = background inside).
"""

from collections.abc import Iterator
from copy import copy
from typing import Any, Self

import numpy as np

from minissd.device import Array
from minissd.engine import add
from minissd.layers import BatchNorm, Conv2d, DepthwiseConv2d, Initializer, Layer, ReLU6, Sequential, prefixed


class LiteHead(Layer):
    """Two separable convolutions that read a map (Sandler et al. 2018, section 6.2): each looks around in every channel
    by itself, with batch norm and ReLU6, and mixes the channels to offsets, or to logits.

    norm: options of the batch norms.
    """

    def __init__(
        self,
        channels: int,
        boxes_per_cell: int,
        class_count: int,
        *,
        init: Initializer | int = 0,
        norm: dict[str, float] | None = None,
    ):
        super().__init__()
        init = Initializer.of(init)
        self.outputs = class_count + 1

        def separable(outputs):
            return Sequential(
                depthwise=DepthwiseConv2d(channels, 3, init=init, pad=1, bias=False),
                bn=BatchNorm(channels, init=init, **(norm or {})),
                act=ReLU6(in_place=True),
                outputs=Conv2d(channels, outputs, 1, init=init, filler="xavier"),
            )

        self.offsets, self.logits = separable(boxes_per_cell * 4), separable(boxes_per_cell * self.outputs)
        self.adopt(offsets=self.offsets, logits=self.logits)

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        """x (N, H, W, D) -> (offsets (N, H*W*k, 4), logits (N, H*W*k, C+1)), cache."""
        (offsets, of_offsets), (logits, of_logits) = (
            part.forward(x, train, rng) for part in (self.offsets, self.logits)
        )
        return self._by_box(offsets, logits), (of_offsets, of_logits, x.shape[1:3])

    def infer(self, x: Any) -> Any:
        own = self._stand_in or self
        return self._by_box(own.offsets.infer(x), own.logits.infer(x))

    def for_inference(self) -> Self:
        own = copy(self)
        own.offsets, own.logits = self.offsets.for_inference(), self.logits.for_inference()
        return own

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> tuple[Any, dict[str, Any]]:
        *caches, size = cache
        found = [
            part.backward(d.reshape(len(d), *size, -1), of_part, need_dx)
            for part, d, of_part in zip((self.offsets, self.logits), dy, caches, strict=True)
        ]
        (dx, offsets), (dx_logits, logits) = found
        dx = add(dx, dx_logits)[0] if need_dx else None  # both read the same map
        return dx, prefixed("offsets", offsets) | prefixed("logits", logits)

    def trace(self, x: Any, train: bool = False, rng: np.random.Generator | None = None) -> Iterator[tuple[str, Any]]:
        """Yield (name, output) of every layer; the last of either part as `forward` has it."""
        for name, part, size in (("offsets", self.offsets, 4), ("logits", self.logits, self.outputs)):
            for inner, y in part.trace(x, train, rng):
                yield f"{name}.{inner}", y
            yield name, y.reshape(len(x), -1, size)

    def _by_box(self, offsets, logits):
        return offsets.reshape(len(offsets), -1, 4), logits.reshape(len(logits), -1, self.outputs)
