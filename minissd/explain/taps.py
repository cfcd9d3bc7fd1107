"""Reading a network in the middle: the map a layer outputs, and the gradient that comes back to it.

The network's own `forward` and `backward` do all the work; a tap on a layer looks on, and can put another gradient in
the place of the one that arrives, so that the backward pass in effect begins there:

    with tapped(model, "stage0.conv5") as tap:
        outputs, cache = model.forward(images)              # tap.output
        model.backward(d_outputs, cache)                    # tap.gradient: d(score) / d(output)
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

from minissd.device import Array, to_device
from minissd.errors import MinissdError
from minissd.layers import Layer
from minissd.models import Network


class Tap:
    """What passes a layer: `input` and `output` of its last forward, `gradient` of its last backward.

    handed_on: the array itself that the next layer got, which may have overwritten it.
    injected: None, or the gradient to send down from here instead of the one that arrives.
    """

    def __init__(self):
        self.input = self.handed_on = self.output = self.gradient = self.injected = None


@contextmanager
def tapped(model: Network, name: str) -> Iterator[Tap]:
    """A `Tap` on the layer of that name while the block lasts.  MinissdError, listing all names, if there is none."""
    layer = find_layer(model, name)
    forward, backward, tap = layer.forward, layer.backward, Tap()

    def tapped_forward(x, *args, **kwargs):
        tap.input = x
        tap.handed_on, cache = forward(x, *args, **kwargs)
        tap.output = tap.handed_on.copy()  # the next layer may work in place
        return tap.handed_on, cache

    def tapped_backward(dy, *args, **kwargs):
        tap.gradient = dy if tap.injected is None else tap.injected
        return backward(tap.gradient.copy(), *args, **kwargs)  # for the same reason

    # In the object, not in its parent: so it does not matter how the model holds and calls its layers.
    vars(layer).update(forward=tapped_forward, backward=tapped_backward)
    try:
        yield tap
    finally:
        del layer.forward, layer.backward  # those of the class come to light again


def look(model: Network, names: Iterable[str], images: Array) -> dict[str, Tap]:
    """{name: Tap} of some layers after one forward pass over images (N, S, S, C)."""
    with ExitStack() as stack:
        taps = {name: stack.enter_context(tapped(model, name)) for name in names}
        model.forward(images)
    return taps


def black_image(model: Network) -> Array:
    """One image (1, S, S, C) of the size that the model reads, to learn the shapes inside."""
    side = model.input_size
    return to_device(np.zeros((1, side, side, model.channels), np.uint8), model.device)


def find_layer(model: Network, name: str) -> Layer:
    """The layer called `name`, as `trace` and the parameters name it: "stage0.conv5"."""
    layers = dict(model.leaves())
    if name not in layers:
        raise MinissdError(f"{model.name} has no layer {name!r}; there are {', '.join(layers)}")
    return layers[name]


def map_of(model: Network, name: str, tap: Tap) -> Array:
    """The map (N, H, W, D) that a layer outputs.  MinissdError if it outputs anything else."""
    if tap.output.ndim != 4:
        raise MinissdError(
            f"{model.name}: layer {name} outputs {tap.output.shape[1:]} for an image, which is no map "
            "(rows, columns, channels): choose an earlier layer"
        )
    return tap.output


def channels_of(model: Network, name: str) -> int:
    """D of the map that a layer outputs."""
    return map_of(model, name, look(model, [name], black_image(model))[name]).shape[3]
