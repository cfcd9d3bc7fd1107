"""What every layer is: parameters, buffers, forward, backward.  Layers keep no activations.

    y, cache  = layer.forward(x, train=False, rng=None)
    dx, grads = layer.backward(dy, cache, need_dx=True)   # grads: same keys and shapes as layer.params

`params` are trained; `buffers` are saved with them but not trained (the running statistics of batch norm).  Both
are flat dictionaries of arrays that are only ever changed in place, so a container can list the arrays of its
children under dotted names once and for all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any, Self

import numpy as np

from minissd.device import Array


class Layer:
    """A layer without parameters, unless its constructor fills `params` and `buffers`.

    A layer of one's own calls `super().__init__()` first and defines `forward` and `backward`.
    """

    frozen = False  # whether its parameters and statistics stay as they are, see minissd/models/freezing.py
    _stand_in: Any = None  # what takes its place within `prepared`

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}
        self.children: dict[str, Layer] = {}

    def forward(self, x: Any, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        """x -> (y, cache).

        x: an array whose first axis counts the images: maps (N, H, W, C) or vectors (N, C), in the dtype and on the
        device of the parameters.  train: whether the layer behaves as in training (dropout drops, batch norm takes the
        statistics of the batch).  rng: a numpy.random.Generator for layers that draw in training.  cache: whatever
        `backward` needs of this call; it belongs to the caller, so a layer may be run twice before it goes back.
        """
        raise NotImplementedError(
            f"{self._kind} has no forward: define forward(self, x, train=False, rng=None) -> y, cache"
        )

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> tuple[Any, dict[str, Any]]:
        """dy, cache -> (dx, grads): the gradients of a scalar loss, given dy, its gradient with respect to the y of
        `forward`.

        dy: the shape and dtype of y.  dx: the shape of x; with need_dx=False it may be None, for the first layer of a
        network, whose dx training has no use for.  grads: the keys and shapes of `params`, summed over the batch.
        """
        raise NotImplementedError(
            f"{self._kind} has no backward: define backward(self, dy, cache, need_dx=True) -> dx, grads"
        )

    def infer(self, x: Any) -> Any:
        """The output alone; containers keep nothing for a backward pass, so each map's memory serves the next."""
        y, _ = (self._stand_in or self).forward(x)
        return y

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Inside, `infer` computes with the parameters and buffers as they were on entering: for many calls."""
        self._stand_in = self.for_inference()
        try:
            yield
        finally:
            self._stand_in = None

    def for_inference(self) -> Self:
        """This layer as it is now, for `infer` alone: with parameters and buffers of its own, which nobody changes."""
        if self.children or not (self.params or self.buffers):
            return self
        own = copy(self)
        own.params, own.buffers = (
            {name: locked(array.copy()) for name, array in arrays.items()} for arrays in (self.params, self.buffers)
        )
        return own

    @property
    def parameter_count(self) -> int:
        """How many numbers are trained, those of the children included."""
        return sum(array.size for array in self.params.values())

    def extra_repr(self) -> str:
        """The sizes and options that `repr` shows, such as "3 -> 64, kernel 3"."""
        return ""

    def __repr__(self) -> str:
        count = self.parameter_count
        words = [self.extra_repr(), f"{count:,} parameter{'s' * (count != 1)}" if count else ""]
        lines = [f"{self._kind}({'; '.join(word for word in words if word)})"]
        for name, child in self.children.items():
            lines += f"{name}: {child!r}".splitlines()
        return "\n  ".join(lines)

    @property
    def _kind(self) -> str:
        return type(self).__name__

    @property
    def tapped(self) -> bool:
        """Whether a hook is set: it is a `forward` put into the object itself (`minissd/explain/taps.py`)."""
        return "forward" in vars(self)

    def leaves(self, prefix: str = "") -> "Iterator[tuple[str, Layer]]":
        """Yield (dotted name, layer) of every layer inside that has no children, in the order of their adoption."""
        for name, child in self.children.items():
            if child.children:
                yield from child.leaves(f"{prefix}{name}.")
            else:
                yield prefix + name, child

    def adopt(self, **children: "Layer") -> None:
        """Register child layers: their arrays are listed under "child.name"."""
        self.children.update(children)
        for name, child in children.items():
            self.params.update(prefixed(name, child.params))
            self.buffers.update(prefixed(name, child.buffers))


def prefixed(name: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """The same dictionary with "name." before every key."""
    return {f"{name}.{key}": array for key, array in arrays.items()}


def finishing(finish: Callable[[Array], None] | None) -> dict[str, Any]:
    """{"finish": finish}, or {} for None: functions put in the place of the engine's need not know the word."""
    return {} if finish is None else {"finish": finish}


def locked(array: Array) -> Array:
    """The array, which NumPy now refuses to change; CuPy knows no such thing."""
    if isinstance(array, np.ndarray):
        array.flags.writeable = False
    return array


def in_words(options: dict[str, Any]) -> str:
    """{"kernel": 3, "pad": 0} -> "kernel 3, pad 0": options as `repr` shows them."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in options.items())
