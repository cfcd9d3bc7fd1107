from minissd.layers.layer import Layer
from minissd.ops import depthwise_conv2d, depthwise_conv2d_backward


class DepthwiseConv2d(Layer):
    """A kernel for every channel, w (KH, KW, channels), and, unless bias=False, b (channels,)."""

    def __init__(self, channels, kernel, *, init, stride=1, pad=0, bias=True):
        super().__init__()
        self.params["w"] = init.he((kernel, kernel, channels))
        if bias:
            self.params["b"] = init.full((channels,), 0)
        self.geometry = {"stride": stride, "pad": pad}

    def forward(self, x, train=False, rng=None):
        return depthwise_conv2d(x, self.params["w"], self.params.get("b"), **self.geometry)

    def backward(self, dy, cache, need_dx=True):
        dx, dw, db = depthwise_conv2d_backward(dy, cache, need_dx=need_dx)
        return dx, {"w": dw, "b": db} if "b" in self.params else {"w": dw}
