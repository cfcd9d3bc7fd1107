from collections.abc import Callable
from typing import Any

import numpy as np

from minissd.device import Array
from minissd.engine import batch_norm, batch_norm_backward
from minissd.layers.initializer import Initializer
from minissd.layers.layer import Layer, finishing
from minissd.ops.normalisation import EPS


class BatchNorm(Layer):
    """Batch normalisation of x (..., channels) over all axes but the last (Ioffe and Szegedy 2015, algorithm 1).

    gamma and beta (channels,) are learned; the running statistics are buffers and move only with train=True, each time
    by `momentum` of the way to the statistics of the batch.  eps is added to the variance.
    """

    def __init__(self, channels: int, *, init: Initializer | int = 0, momentum: float = 0.1, eps: float = EPS):
        super().__init__()
        init = Initializer.of(init)
        self.params = {"gamma": init.full((channels,), 1), "beta": init.full((channels,), 0)}
        self.buffers = {"running_mean": init.full((channels,), 0), "running_var": init.full((channels,), 1)}
        self.momentum, self.eps = momentum, eps

    def extra_repr(self) -> str:
        return f"channels {self.params['gamma'].size}"

    def forward(
        self,
        x: Array,
        train: bool = False,
        rng: np.random.Generator | None = None,
        *,
        finish: Callable[[Array], None] | None = None,
    ) -> tuple[Array, Any]:
        """finish: as for `minissd.engine.conv2d`."""
        options: dict[str, Any] = self.params | self.buffers | finishing(finish)
        train = train and not self.frozen
        return batch_norm(x, **options, train=train, momentum=self.momentum, eps=self.eps)

    def backward(self, dy: Array, cache: Any, need_dx: bool = True) -> tuple[Any, dict[str, Any]]:
        dx, dgamma, dbeta = batch_norm_backward(dy, cache)
        return dx, {"gamma": dgamma, "beta": dbeta}
