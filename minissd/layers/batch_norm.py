from minissd.layers.layer import Layer
from minissd.ops import batch_norm, batch_norm_backward


class BatchNorm(Layer):
    """Batch normalisation of `channels`; its running statistics are buffers and move only with train=True."""

    def __init__(self, channels, *, init, momentum=0.1):
        super().__init__()
        self.params = {"gamma": init.full((channels,), 1), "beta": init.full((channels,), 0)}
        self.buffers = {"running_mean": init.full((channels,), 0), "running_var": init.full((channels,), 1)}
        self.momentum = momentum

    def forward(self, x, train=False, rng=None):
        return batch_norm(x, **self.params, **self.buffers, train=train, momentum=self.momentum)

    def backward(self, dy, cache, need_dx=True):
        dx, dgamma, dbeta = batch_norm_backward(dy, cache)
        return dx, {"gamma": dgamma, "beta": dbeta}
