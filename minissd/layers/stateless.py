"""Layers without parameters: operations in the shape of a layer, so that they can stand in a Sequential."""

from minissd.layers.layer import Layer
from minissd.ops import dropout, dropout_backward, max_pool2d, max_pool2d_backward, relu, relu_backward


class ReLU(Layer):
    """max(x, 0)."""

    def forward(self, x, train=False, rng=None):
        return relu(x)

    def backward(self, dy, cache, need_dx=True):
        return relu_backward(dy, cache), {}


class MaxPool2d(Layer):
    """The largest value of each window; stride is the kernel's size unless given."""

    def __init__(self, kernel, *, stride=None, pad=0, ceil_mode=False):
        super().__init__()
        self.kernel = kernel
        self.geometry = {"stride": stride, "pad": pad, "ceil_mode": ceil_mode}

    def forward(self, x, train=False, rng=None):
        return max_pool2d(x, self.kernel, **self.geometry)

    def backward(self, dy, cache, need_dx=True):
        return max_pool2d_backward(dy, cache), {}


class Dropout(Layer):
    """Inverted dropout with the given rate; asks for `rng` only in training."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x, train=False, rng=None):
        if train and rng is None:
            raise ValueError("dropout needs a numpy.random.Generator in training: forward(x, train=True, rng=rng)")
        return dropout(x, self.rate, rng, train)

    def backward(self, dy, cache, need_dx=True):
        return dropout_backward(dy, cache), {}
