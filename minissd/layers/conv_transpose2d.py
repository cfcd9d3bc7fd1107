from minissd.layers.layer import Layer
from minissd.ops import conv_transpose2d, conv_transpose2d_backward


class ConvTranspose2d(Layer):
    """Transposed convolution with weights w (KH, KW, c_out, c_in), as a convolution back has them, and b (c_out,)."""

    def __init__(self, c_in, c_out, kernel, *, init, stride=1, pad=0):
        super().__init__()
        seen = c_in * kernel**2 / stride**2  # by an output, on average: the others' taps fall on its neighbours
        self.params = {"w": init.he((kernel, kernel, c_out, c_in), fan_in=seen), "b": init.full((c_out,), 0)}
        self.geometry = {"stride": stride, "pad": pad}

    def forward(self, x, train=False, rng=None):
        return conv_transpose2d(x, self.params["w"], self.params["b"], **self.geometry)

    def backward(self, dy, cache, need_dx=True):
        dx, dw, db = conv_transpose2d_backward(dy, cache)
        return dx, {"w": dw, "b": db}
