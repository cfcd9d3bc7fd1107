"""Layers without parameters: operations in the shape of a layer, so that they can stand in a Sequential."""

import math
from typing import Any

import numpy as np

from minissd import engine
from minissd.arguments import as_gradient
from minissd.device import Array
from minissd.layers.layer import Layer, in_words
from minissd.ops.dropping import dropout_rate
from minissd.ops.geometry import whole


class ReLU(Layer):
    """max(x, 0).

    in_place: overwrite x in `forward` and dy in `backward`.  That is for a ReLU between layers of which the one before
    does not keep its output.
    """

    bits = False  # whether to keep a bit for each number and not y: set where the next layer does not keep y either
    activate, activate_backward = staticmethod(engine.relu), staticmethod(engine.relu_backward)

    def __init__(self, *, in_place: bool = False):
        super().__init__()
        self.in_place = in_place

    def extra_repr(self) -> str:
        return "in place" if self.in_place else ""

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return self.activate(x, in_place=self.in_place, bits=self.bits)

    def infer(self, x: Array) -> Array:
        return super().infer(x) if self.tapped else self.activate(x, in_place=self.in_place, need_cache=False)[0]

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        return self.activate_backward(dy, cache, in_place=self.in_place), {}


class ReLU6(ReLU):
    """min(max(x, 0), 6), in place like `ReLU`."""

    activate, activate_backward = staticmethod(engine.relu6), staticmethod(engine.relu6_backward)


class LeakyReLU(Layer):
    """x where x > 0, slope * x elsewhere."""

    def __init__(self, slope: float = 0.1):
        super().__init__()
        self.slope = slope

    def extra_repr(self) -> str:
        return f"slope {self.slope}"

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return engine.leaky_relu(x, self.slope)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        return engine.leaky_relu_backward(dy, cache), {}


class Sigmoid(Layer):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return engine.sigmoid(x)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        return engine.sigmoid_backward(dy, cache), {}


class HardSigmoid(Layer):
    """x / 6 + 1/2 cut to 0..1."""

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return engine.hard_sigmoid(x)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        return engine.hard_sigmoid_backward(dy, cache), {}


class HardSwish(Layer):
    """x times its hard sigmoid."""

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return engine.hard_swish(x)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        return engine.hard_swish_backward(dy, cache), {}


class MaxPool2d(Layer):
    """The largest value of each window; stride is the kernel's size unless given."""

    def __init__(self, kernel: int, *, stride: int | None = None, pad: Any = 0, ceil_mode: bool = False):
        super().__init__()
        self.kernel = kernel
        self.geometry = {"stride": stride, "pad": pad, "ceil_mode": ceil_mode}

    def extra_repr(self) -> str:
        return _window(self) + (", ceil mode" if self.geometry["ceil_mode"] else "")

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        return engine.max_pool2d(x, self.kernel, **self.geometry)

    def infer(self, x: Array) -> Array:
        return (
            super().infer(x) if self.tapped else engine.max_pool2d(x, self.kernel, **self.geometry, need_cache=False)[0]
        )

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        return engine.max_pool2d_backward(dy, cache), {}


class AvgPool2d(Layer):
    """The mean of each window; stride is the kernel's size unless given."""

    def __init__(self, kernel: int, *, stride: int | None = None, pad: Any = 0):
        super().__init__()
        self.kernel = kernel
        self.geometry = {"stride": stride, "pad": pad}

    def extra_repr(self) -> str:
        return _window(self)

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return engine.avg_pool2d(x, self.kernel, **self.geometry)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        return engine.avg_pool2d_backward(dy, cache), {}


class GlobalAvgPool2d(Layer):
    """The mean of each channel over the whole map, (N, H, W, C) -> (N, C)."""

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return engine.global_avg_pool2d(x)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        return engine.global_avg_pool2d_backward(dy, cache), {}


class Upsample2d(Layer):
    """Every cell becomes factor x factor equal cells."""

    def __init__(self, factor: int):
        super().__init__()
        self.factor = whole(factor, "Upsample2d: the factor", 1)

    def extra_repr(self) -> str:
        return f"factor {self.factor}"

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        return engine.upsample2d(x, self.factor)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        return engine.upsample2d_backward(dy, cache), {}


class Flatten(Layer):
    """(N, ...) -> (N, all the rest): what a fully connected layer reads of a map."""

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        y = x.reshape(x.shape[0], math.prod(x.shape[1:]))
        return y, (x.shape, y.shape, y.dtype)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        x_shape, *of_y = cache
        return as_gradient("flatten", dy, *of_y).reshape(x_shape), {}


class Dropout(Layer):
    """Inverted dropout with the given rate; asks for `rng` only in training."""

    drop, drop_backward = staticmethod(engine.dropout), staticmethod(engine.dropout_backward)

    def __init__(self, rate: float):
        super().__init__()
        self.rate = dropout_rate(rate)

    def extra_repr(self) -> str:
        return f"rate {self.rate}"

    def forward(self, x: Array, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Array, Any]:
        if train and rng is None:
            raise ValueError("dropout needs a numpy.random.Generator in training: forward(x, train=True, rng=rng)")
        return self.drop(x, self.rate, rng, train)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array, dict[str, Any]]:
        return self.drop_backward(dy, cache), {}


class SpatialDropout(Dropout):
    """Dropout of whole channels of a map."""

    drop, drop_backward = staticmethod(engine.spatial_dropout), staticmethod(engine.spatial_dropout_backward)


def _window(pool: MaxPool2d | AvgPool2d) -> str:
    stride, pad = pool.geometry["stride"] or pool.kernel, pool.geometry["pad"]
    return in_words({"kernel": pool.kernel, "stride": stride, "pad": pad})
