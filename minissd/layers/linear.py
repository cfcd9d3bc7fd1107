from minissd.layers.layer import Layer
from minissd.ops import linear, linear_backward


class Linear(Layer):
    """y = x @ w + b with w (c_in, c_out), b (c_out,)."""

    def __init__(self, c_in, c_out, *, init, filler="he"):
        super().__init__()
        self.params = {"w": getattr(init, filler)((c_in, c_out)), "b": init.full((c_out,), 0)}

    def forward(self, x, train=False, rng=None):
        return linear(x, self.params["w"], self.params["b"])

    def backward(self, dy, cache, need_dx=True):
        dx, dw, db = linear_backward(dy, cache)
        return dx, {"w": dw, "b": db}
