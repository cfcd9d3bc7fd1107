from minissd.layers.layer import Layer
from minissd.ops import l2_normalize, l2_normalize_backward


class L2Normalize(Layer):
    """Unit length over the channels times a learned scale; SSD starts it at 20 on conv4_3."""

    def __init__(self, channels, *, init, scale=20):
        super().__init__()
        self.params["scale"] = init.full((channels,), scale)

    def forward(self, x, train=False, rng=None):
        return l2_normalize(x, self.params["scale"])

    def backward(self, dy, cache, need_dx=True):
        dx, dscale = l2_normalize_backward(dy, cache)
        return dx, {"scale": dscale}
