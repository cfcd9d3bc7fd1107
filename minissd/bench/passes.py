"""Passes of convolutions, forward or backward, by any of the algorithms: what `minissd bench --tune` measures."""

import math
from typing import NamedTuple

import numpy as np

from minissd.engine.algorithms import ALGORITHMS
from minissd.ops.windows import Windows

HOPELESS = 4  # times as slow as the fastest, by the tuning in force: not measured


class Pass(NamedTuple):
    """The forward pass of a convolution (need_dx None), or its gradients."""

    windows: Windows
    filters: int
    need_dx: bool | None

    def cost(self, name):
        """Microseconds that the tuning in force expects of an algorithm."""
        return ALGORITHMS[name].cost(self.windows, self.filters, self.need_dx)

    def work(self, name):
        algorithm = ALGORITHMS[name]
        if self.need_dx is None:
            return algorithm.forward_work(self.windows, self.filters)
        return algorithm.gradients_work(self.windows, self.filters, self.need_dx)

    def supported(self, name):
        """Whether an algorithm computes this pass, and by itself."""
        return ALGORITHMS[name].supports(self.windows) and math.isfinite(self.cost(name))

    def sides(self):
        """{name of an algorithm: a function that computes this pass by it}, for all that are not hopeless."""
        costs = {name: self.cost(name) for name in ALGORITHMS if self.supported(name)}
        return {name: self.by(name) for name in costs if costs[name] <= HOPELESS * min(costs.values())}

    def by(self, name):
        """A function that computes this pass by an algorithm."""
        algorithm = ALGORITHMS[name]
        rng, windows, (n, _, _, c) = np.random.default_rng(0), self.windows, self.windows.x_shape
        x = rng.standard_normal(windows.x_shape, dtype=np.float32)
        w = rng.standard_normal((*windows.kernel, c, self.filters), dtype=np.float32)
        if self.need_dx is None:
            return lambda: algorithm.forward(x, w, w[0, 0, 0], windows)  # any bias
        dy = rng.standard_normal((n, *windows.out, self.filters), dtype=np.float32)
        return lambda: algorithm.gradients(dy, x, w, windows, self.need_dx)


def passes(batches, side, channels, kernel=3, stride=1, dilation=1):
    """The passes of convolutions of square maps that keep their size at stride 1.  channels: (in, out)."""
    c, d = channels
    for n in batches:
        pad = dilation * (kernel // 2)
        windows = Windows.over((n, side, side, c), (kernel, kernel), stride, pad, dilation)
        yield from (Pass(windows, d, need_dx) for need_dx in (None, True, False))


# convolutions of minissd's networks, and others like them
PASSES = (
    *passes((1, 4), 60, (32, 64)),
    *(one for channels in ((16, 64), (64, 96), (96, 36)) for one in passes((1, 4), 30, channels)),
    *(one for channels in ((32, 32), (128, 128), (128, 36)) for one in passes((1, 8), 15, channels)),
    *passes((1, 4, 16), 8, (128, 150)),
    *passes((1, 8), 4, (256, 256)),
    *passes((1,), 38, (256, 256)),
    *passes((1,), 38, (512, 16)),
    *passes((1,), 38, (128, 4), kernel=5),
    *passes((1, 4), 80, (12, 24)),
    *passes((1, 4), 80, (24, 12)),
    *passes((1, 4), 100, (3, 32)),
    *passes((1, 4), 150, (3, 64)),
    *passes((1,), 300, (3, 64)),
    *passes((1, 8), 19, (128, 128), kernel=1),
    *passes((1, 16, 64), 28, (1, 6), kernel=5),
    *passes((1, 16, 64), 14, (6, 16), kernel=5),
    *passes((2, 8), 64, (3, 16), stride=2),
    *passes((1, 4), 60, (16, 32), stride=2),
    *passes((1, 4), 60, (64, 64), stride=2),
    *passes((1, 4), 15, (128, 128), stride=2),
    *passes((16,), 8, (128, 128), stride=2),
    *passes((1,), 19, (64, 128), dilation=2),
    *passes((1,), 19, (64, 128), dilation=6),
)
