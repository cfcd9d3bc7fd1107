"""Layers in a row whose result meets what they read again: a residual block, squeeze and excitation."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minissd import engine
from minissd.device import Array
from minissd.layers.initializer import Initializer
from minissd.layers.linear import Linear
from minissd.layers.sequential import Sequential
from minissd.layers.stateless import GlobalAvgPool2d, HardSigmoid, ReLU


class Residual(Sequential):
    """y = x + f(x) (He et al. 2016): the layers f only have to learn a correction of x, whose shape they keep."""

    def forward(self, x: Any, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, list]:
        correction, caches = super().forward(x, train, rng)
        y, cache = engine.add(correction, x)
        return y, [*caches, cache]

    def infer(self, x: Any) -> Any:
        return engine.add(super().infer(x), x)[0]

    def backward(
        self, dy: Any, caches: list, need_dx: bool = True, *, spend: bool = False
    ) -> tuple[Any, dict[str, Array]]:
        *caches, cache = caches
        d_correction, dx = engine.add_backward(dy, cache)
        through_layers, grads = super().backward(d_correction, caches, need_dx, spend=True)
        return (engine.add(through_layers, dx)[0] if need_dx else None), grads

    def trace(self, x: Any, train: bool = False, rng: np.random.Generator | None = None) -> Iterator[tuple[str, Any]]:
        for name, correction in super().trace(x, train, rng):
            yield name, correction
        yield "sum", engine.add(correction, x)[0]


class SqueezeExcitation(Sequential):
    """Channels weighted by what the whole map shows (Hu et al. 2018), with a hard sigmoid as in MobileNetV3.

    Maps x (N, H, W, channels) -> y of the same shape:  y = x g,  g = hard_sigmoid(w2 relu(w1 mean(x) + b1) + b2), where
    the mean is that over the map, (N, channels), and `squeezed` numbers are what w1 leaves of each.
    """

    def __init__(self, channels: int, squeezed: int, *, init: Initializer | int = 0):
        init = Initializer.of(init)
        super().__init__(
            mean=GlobalAvgPool2d(),
            fc1=Linear(channels, squeezed, init=init),
            relu=ReLU(),
            fc2=Linear(squeezed, channels, init=init, filler="xavier"),
            weight=HardSigmoid(),
        )

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, list]:
        g, caches = super().forward(x, train, rng)  # (N, C)
        y, cache = engine.scale_channels(x, g)
        return y, [*caches, cache]

    def infer(self, x: Array) -> Any:
        return engine.scale_channels(x, super().infer(x))[0]

    def backward(
        self, dy: Any, caches: list, need_dx: bool = True, *, spend: bool = False
    ) -> tuple[Any, dict[str, Array]]:
        *caches, cache = caches
        dx, dg = engine.scale_channels_backward(dy, cache)  # (1) through the factor x itself
        through_weights, grads = super().backward(dg, caches, need_dx, spend=True)  # (2) every cell moved the mean
        return (engine.add(dx, through_weights)[0] if need_dx else None), grads

    def trace(self, x: Any, train: bool = False, rng: np.random.Generator | None = None) -> Iterator[tuple[str, Any]]:
        for name, g in super().trace(x, train, rng):
            yield name, g
        yield "product", engine.scale_channels(x, g)[0]
