from collections.abc import Callable, Iterator
from copy import copy
from itertools import pairwise, zip_longest
from typing import Any, Self

import numpy as np

from minissd import engine
from minissd.device import Array
from minissd.engine.activations import clip_to_six, rectify, swish
from minissd.layers.batch_norm import BatchNorm
from minissd.layers.conv2d import Conv2d
from minissd.layers.depthwise_conv2d import DepthwiseConv2d
from minissd.layers.folding import fold
from minissd.layers.layer import Layer, prefixed
from minissd.layers.stateless import HardSwish, MaxPool2d, ReLU, ReLU6

FINISHES: dict[type, Callable[[Array], None]] = {ReLU: rectify, ReLU6: clip_to_six, HardSwish: swish}


class Sequential(Layer):
    """Layers one after the other, each with a name: Sequential(conv=Conv2d(3, 64, 3), relu=ReLU()).

    Reads what its first layer reads and outputs what its last one outputs.
    """

    def __init__(self, **layers: Layer):
        super().__init__()
        self.layers = layers
        self.fixed = 0  # so many of the first layers are frozen, and all that is below: no gradient goes there
        self.adopt(**layers)
        for layer, following in pairwise(layers.values()):
            if isinstance(layer, ReLU) and isinstance(following, MaxPool2d):  # which keeps neither x nor y
                layer.bits = True

    def forward(self, x: Any, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, list]:
        """The output and the layers' caches.  A ReLU is applied part by part by the layer in front of it, as in
        `infer`; its cache is its output."""
        layers: list[Any] = list(self.layers.values())
        caches, applied = [], None
        for i, (layer, following) in enumerate(zip_longest(layers, layers[1:])):
            cache: Any = None
            if i < self.fixed:
                x = layer.infer(x)
            elif layer is applied:
                cache, applied = x, None
            elif isinstance(following, ReLU) and not following.bits and (finish := _finish(layer, following)):
                (x, cache), applied = layer.forward(x, train, rng, finish=finish), following
            else:
                x, cache = layer.forward(x, train, rng)
            caches.append(cache)
        return x, caches

    def infer(self, x: Any) -> Any:
        """The output alone.  A convolution or batch norm applies the ReLU behind it to its output part by part, unless
        somebody looks at one of them, or has put a function of his own in the place of theirs."""
        layers, applied = list((self._stand_in or self).layers.values()), None
        for layer, following in zip_longest(layers, layers[1:]):
            if layer is applied:
                applied = None
            elif finish := _finish(layer, following):
                (x, _), applied = (layer._stand_in or layer).forward(x, finish=finish), following
            else:
                x = layer.infer(x)
        return x

    def for_inference(self) -> Self:
        """Batch norms are folded into the convolutions before them."""
        own = copy(self)
        own.layers = fold(self.layers)
        return own

    def backward(
        self, dy: Any, caches: list, need_dx: bool = True, *, spend: bool = False
    ) -> tuple[Any, dict[str, Array]]:
        """spend: empty `caches` on the way, for a training step that needs them only once: each map goes as soon as
        its gradient is there, and the memory never holds all of both."""
        if self.fixed and need_dx:
            raise ValueError("Sequential.backward: its first layers are frozen, and kept nothing for a gradient")
        grads = {}
        caches = caches if spend else list(caches)
        trained = list(self.layers.items())[self.fixed :]
        first = next((name for name, _ in trained), None)
        for name, layer in reversed(trained):
            dy, layer_grads = layer.backward(dy, caches.pop(), need_dx=need_dx or name != first)
            grads.update(prefixed(name, layer_grads))
        return dy, {name: grads[name] for name in self.params if name in grads}

    def trace(self, x: Any, train: bool = False, rng: np.random.Generator | None = None) -> Iterator[tuple[str, Any]]:
        """Yield (name, output) of every layer in turn, of layers within layers under dotted names."""
        for name, layer in self.layers.items():
            if isinstance(layer, Sequential):
                for inner, y in layer.trace(x, train, rng):
                    yield f"{name}.{inner}", y
            else:
                y, _ = layer.forward(x.copy(), train, rng)  # a layer may work in place, but x has been given out
                yield name, y
            x = y


def _finish(layer, following):
    """What a convolution or batch norm applies for the layer behind it, or None."""
    if type(layer) not in (Conv2d, DepthwiseConv2d, BatchNorm) or following is None or engine.exchanged():
        return None
    if layer.tapped or following.tapped:
        return None
    return FINISHES.get(type(following))
