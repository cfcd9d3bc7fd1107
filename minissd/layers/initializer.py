"""First values of the parameters, drawn in one fixed order from one generator, each put on its device at once.

The layers of a network share one `Initializer`.  A layer takes a seed in its place, 0 unless given, and then has one of
its own: its first values follow from its shapes and the seed, whatever was made before it.  So two layers of the same
shape and seed begin alike; where that is not wanted, as for branches that read the same map, give them different seeds:

    init = Initializer(np.random.default_rng(0))
    network = Sequential(conv=Conv2d(3, 64, 3, init=init), more=Conv2d(64, 64, 3, init=init))
    alone, another = Conv2d(3, 64, 3), Conv2d(3, 64, 3, init=1)
"""

import numpy as np
import numpy.typing as npt

from minissd.device import Array, to_device
from minissd.ops.geometry import whole


class Initializer:
    """Hands out new parameter arrays of one dtype, float32 or float64, on one device."""

    def __init__(self, rng: np.random.Generator, dtype: npt.DTypeLike = "float32", device: str = "cpu"):
        self.rng = rng
        try:
            self.dtype = np.dtype(dtype)
        except SyntaxError as error:  # NumPy parses what it does not know
            raise ValueError(f"parameters are float32 or float64, and this is no type: {error}") from None
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"parameters are float32 or float64, not {self.dtype}")
        self.device = device

    @classmethod
    def of(cls, init: "Initializer | int") -> "Initializer":
        """`init` itself, or a new one from a seed."""
        return init if isinstance(init, Initializer) else cls(np.random.default_rng(whole(init, "init, a seed,")))

    def he(self, shape: tuple[int, ...], fan_in: float | None = None) -> Array:
        """Normal with variance 2 / fan_in: keeps the variance where a ReLU follows (He et al. 2015).

        fan_in: the inputs that one output sees; all axes but the last unless given.
        """
        return self._normal(shape, np.sqrt(2 / (fan_in or _fan_in(shape))))

    def xavier(self, shape: tuple[int, ...]) -> Array:
        """Uniform with variance 1 / fan_in, as Caffe's "xavier" filler: for layers that no ReLU follows."""
        bound = np.sqrt(3 / _fan_in(shape))
        return to_device(self.rng.uniform(-bound, bound, shape).astype(self.dtype), self.device)

    def full(self, shape: tuple[int, ...], value: float) -> Array:
        """The same value everywhere."""
        return to_device(np.full(shape, value, dtype=self.dtype), self.device)

    def _normal(self, shape, std):
        return to_device((self.rng.standard_normal(shape) * std).astype(self.dtype), self.device)


def _fan_in(shape):
    """Inputs that one output sees: all axes but the last, which counts the outputs."""
    return int(np.prod(shape[:-1]))
