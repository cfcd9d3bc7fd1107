from minissd.layers.layer import Layer
from minissd.ops import conv2d, conv2d_backward


class Conv2d(Layer):
    """Convolution with weights w (KH, KW, c_in, c_out) and, unless bias=False, b (c_out,)."""

    def __init__(self, c_in, c_out, kernel, *, init, stride=1, pad=0, dilation=1, bias=True, filler="he"):
        super().__init__()
        self.params["w"] = getattr(init, filler)((kernel, kernel, c_in, c_out))
        if bias:
            self.params["b"] = init.full((c_out,), 0)
        self.geometry = {"stride": stride, "pad": pad, "dilation": dilation}

    def forward(self, x, train=False, rng=None):
        return conv2d(x, self.params["w"], self.params.get("b"), **self.geometry)

    def backward(self, dy, cache, need_dx=True):
        dx, dw, db = conv2d_backward(dy, cache, need_dx=need_dx)
        return dx, {"w": dw, "b": db} if "b" in self.params else {"w": dw}
