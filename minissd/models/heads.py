"""The small networks that read the maps of an SSD: offsets and logits for every default box of a map.

N batch, H W D the map, k default boxes in each of its cells, C classes (0 = background inside), KH KW kernel.
"""

from collections.abc import Iterator
from copy import copy
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np

from minissd.device import Array, array_module
from minissd.engine import conv2d, conv2d_backward
from minissd.engine.runtime import empty
from minissd.layers import Conv2d, Initializer, L2Normalize, Layer, prefixed


class Apart(NamedTuple):
    """The caches of a head's two convolutions, where each was computed separately."""

    offsets: Any
    logits: Any


class Head(Layer):
    """Two convolutions that read a map: k * 4 offsets and k * (C + 1) logits for every cell.

    They are computed as one, whose kernel is both kernels side by side: gathering the patches of the map is half of the
    work for so few output channels, and would be done twice.  Only where `minissd.explain` looks at one of them, each
    is computed separately.
    """

    def __init__(
        self, channels: int, boxes_per_cell: int, class_count: int, *, init: Initializer | int = 0, kernel: int = 3
    ):
        super().__init__()
        init = Initializer.of(init)
        self.outputs = class_count + 1
        convolution = partial(Conv2d, channels, kernel=kernel, init=init, pad=kernel // 2, filler="xavier")
        self.offsets = convolution(boxes_per_cell * 4)
        self.logits = convolution(boxes_per_cell * self.outputs)
        self.adopt(offsets=self.offsets, logits=self.logits)
        # for inference: both kernels as one, and what `conv2d` keeps of it
        self._joined: list[Array] | None = None
        self._kept: dict | None = None

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        """x (N, H, W, D) -> (offsets (N, H*W*k, 4), logits (N, H*W*k, C+1)), cache.

        NHWC makes this a plain reshape: the k boxes of a cell lie next to each other on the channel axis.
        """
        if self.offsets.tapped or self.logits.tapped:
            (offsets, offsets_cache), (logits, logits_cache) = self.offsets.forward(x), self.logits.forward(x)
            cache = Apart(offsets_cache, logits_cache)
            size = offsets.shape[1:3]
        else:
            y, cache = conv2d(x, *(self._joined or self._join()), **self.offsets.geometry, kept=self._kept)
            offsets, logits = self._split(y)
            size = y.shape[1:3]
        return (offsets.reshape(len(x), -1, 4), logits.reshape(len(x), -1, self.outputs)), (cache, size)

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> tuple[Any, dict[str, Any]]:
        cache, size = cache
        d_offsets, d_logits = (part.reshape(len(part), *size, -1) for part in dy)
        if isinstance(cache, Apart):
            dx, offsets = self.offsets.backward(d_offsets, cache.offsets)
            dx_logits, logits = self.logits.backward(d_logits, cache.logits)
            dx += dx_logits  # both read the same map
        else:
            width = d_offsets.shape[3]
            dy = empty((*d_offsets.shape[:3], width + d_logits.shape[3]), d_offsets)
            dy[..., :width], dy[..., width:] = d_offsets, d_logits
            dx, *grads = conv2d_backward(dy, cache, need_dx=need_dx)
            parts = zip(*map(self._split, grads), strict=True)  # (dw, db) of the offsets, and of the logits
            offsets, logits = (dict(zip("wb", part, strict=True)) for part in parts)
        return dx, prefixed("offsets", offsets) | prefixed("logits", logits)

    def trace(self, x: Any, train: bool = False, rng: np.random.Generator | None = None) -> Iterator[tuple[str, Any]]:
        """Yield ("offsets", output) and ("logits", output), as `forward` has them."""
        (offsets, logits), _ = self.forward(x, train, rng)
        yield "offsets", offsets
        yield "logits", logits

    def for_inference(self) -> Self:
        """The kernels are side by side once and for all."""
        own = copy(self)
        own._joined, own._kept = self._join(), {}
        return own

    def _join(self):
        """w (KH, KW, D, k*4 + k*(C+1)) and b, the offsets' first."""
        xp, layers = array_module(self.offsets.params["w"]), (self.offsets, self.logits)
        return [xp.concatenate([layer.params[name] for layer in layers], axis=-1) for name in "wb"]

    def _split(self, array):
        """The offsets' and the logits' part of an array (..., k*4 + k*(C+1))."""
        width, xp = self.offsets.params["b"].size, array_module(array)
        return xp.ascontiguousarray(array[..., :width]), xp.ascontiguousarray(array[..., width:])


class NormalizedHead(Head):
    """A head that reads its map L2-normalised, cell by cell: for conv4_3, whose values are larger than the others'."""

    def __init__(self, channels: int, boxes_per_cell: int, class_count: int, *, init: Initializer | int = 0):
        init = Initializer.of(init)
        super().__init__(channels, boxes_per_cell, class_count, init=init)
        self.l2norm = L2Normalize(channels, init=init)
        self.adopt(l2norm=self.l2norm)

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        x, l2_cache = self.l2norm.forward(x)
        outputs, cache = super().forward(x)
        return outputs, (l2_cache, cache)

    def for_inference(self) -> Self:
        own = super().for_inference()
        own.l2norm = self.l2norm.for_inference()
        return own

    def backward(self, dy: Any, caches: Any, need_dx: bool = True) -> tuple[Any, dict[str, Any]]:
        l2_cache, cache = caches
        dx, grads = super().backward(dy, cache)
        dx, l2_grads = self.l2norm.backward(dx, l2_cache)
        return dx, grads | prefixed("l2norm", l2_grads)
