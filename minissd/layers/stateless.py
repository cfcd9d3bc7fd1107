"""Layers without parameters: operations in the shape of a layer, so that they can stand in a Sequential."""

import math

from minissd import ops
from minissd.layers.layer import Layer
from minissd.ops.arguments import gradient_of
from minissd.ops.dropout import dropout_rate
from minissd.ops.geometry import whole


class ReLU(Layer):
    """max(x, 0).

    in_place: overwrite x in `forward` and dy in `backward`.  That is for a ReLU between layers of which the one before
    does not keep its output.
    """

    def __init__(self, *, in_place=False):
        super().__init__()
        self.in_place = in_place

    def forward(self, x, train=False, rng=None):
        return ops.relu(x, in_place=self.in_place)

    def backward(self, dy, cache, need_dx=True):
        return ops.relu_backward(dy, cache, in_place=self.in_place), {}


class LeakyReLU(Layer):
    """x where x > 0, slope * x elsewhere."""

    def __init__(self, slope=0.1):
        super().__init__()
        self.slope = slope

    def forward(self, x, train=False, rng=None):
        return ops.leaky_relu(x, self.slope)

    def backward(self, dy, cache, need_dx=True):
        return ops.leaky_relu_backward(dy, cache), {}


class Sigmoid(Layer):
    """1 / (1 + exp(-x))."""

    def forward(self, x, train=False, rng=None):
        return ops.sigmoid(x)

    def backward(self, dy, cache, need_dx=True):
        return ops.sigmoid_backward(dy, cache), {}


class MaxPool2d(Layer):
    """The largest value of each window; stride is the kernel's size unless given."""

    def __init__(self, kernel, *, stride=None, pad=0, ceil_mode=False):
        super().__init__()
        self.kernel = kernel
        self.geometry = {"stride": stride, "pad": pad, "ceil_mode": ceil_mode}

    def forward(self, x, train=False, rng=None):
        return ops.max_pool2d(x, self.kernel, **self.geometry)

    def backward(self, dy, cache, need_dx=True):
        return ops.max_pool2d_backward(dy, cache), {}


class AvgPool2d(Layer):
    """The mean of each window; stride is the kernel's size unless given."""

    def __init__(self, kernel, *, stride=None, pad=0):
        super().__init__()
        self.kernel = kernel
        self.geometry = {"stride": stride, "pad": pad}

    def forward(self, x, train=False, rng=None):
        return ops.avg_pool2d(x, self.kernel, **self.geometry)

    def backward(self, dy, cache, need_dx=True):
        return ops.avg_pool2d_backward(dy, cache), {}


class GlobalAvgPool2d(Layer):
    """The mean of each channel over the whole map, (N, H, W, C) -> (N, C)."""

    def forward(self, x, train=False, rng=None):
        return ops.global_avg_pool2d(x)

    def backward(self, dy, cache, need_dx=True):
        return ops.global_avg_pool2d_backward(dy, cache), {}


class Upsample2d(Layer):
    """Every cell becomes factor x factor equal cells."""

    def __init__(self, factor):
        super().__init__()
        self.factor = whole(factor, "Upsample2d: the factor", 1)

    def forward(self, x, train=False, rng=None):
        return ops.upsample2d(x, self.factor)

    def backward(self, dy, cache, need_dx=True):
        return ops.upsample2d_backward(dy, cache), {}


class Flatten(Layer):
    """(N, ...) -> (N, all the rest): what a fully connected layer reads of a map."""

    def forward(self, x, train=False, rng=None):
        y = x.reshape(x.shape[0], math.prod(x.shape[1:]))
        return y, (x.shape, y.shape, y.dtype)

    def backward(self, dy, cache, need_dx=True):
        x_shape, *of_y = cache
        return gradient_of("flatten", dy, *of_y).reshape(x_shape), {}


class Dropout(Layer):
    """Inverted dropout with the given rate; asks for `rng` only in training."""

    drop, drop_backward = staticmethod(ops.dropout), staticmethod(ops.dropout_backward)

    def __init__(self, rate):
        super().__init__()
        self.rate = dropout_rate(rate)

    def forward(self, x, train=False, rng=None):
        if train and rng is None:
            raise ValueError("dropout needs a numpy.random.Generator in training: forward(x, train=True, rng=rng)")
        return self.drop(x, self.rate, rng, train)

    def backward(self, dy, cache, need_dx=True):
        return self.drop_backward(dy, cache), {}


class SpatialDropout(Dropout):
    """Dropout of whole channels of a map."""

    drop, drop_backward = staticmethod(ops.spatial_dropout), staticmethod(ops.spatial_dropout_backward)
