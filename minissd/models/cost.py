"""What a model costs to run, for one image: the output of every layer, its parameters and its multiply-adds."""

from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minissd.device import Array, to_device
from minissd.layers import ConvTranspose2d, Layer

if TYPE_CHECKING:
    from minissd.models.network import Network


class Cost(NamedTuple):
    """That of one layer."""

    output: tuple[int, ...]  # shape for one image, (1, H, W, C) or (1, C); () if `trace` does not show it
    parameters: int
    multiply_adds: int


def multiply_adds(model: "Network") -> int:
    """Multiply-adds of the convolutions, depthwise ones too, and fully connected layers for one image.

    Every number that such a layer outputs is the sum of as many products as each of its outputs has weights: KH*KW*C
    with w (KH, KW, C, D), KH*KW with w (KH, KW, C) of a depthwise convolution, C with w (C, D).  A transposed one is
    the other way round, w (KH, KW, D, C): each number that it reads goes into KH*KW*D products.  All else (biases,
    batch norm, pooling, activations) is a few operations per number and not counted, as is usual.
    """
    return sum(multiply_adds_by_layer(model).values())


def multiply_adds_by_layer(model: "Network") -> dict[str, int]:
    """The same for each of these layers: {name: multiply-adds}, in the order of `forward`."""
    return {name: cost.multiply_adds for name, cost in cost_by_layer(model).items() if cost.multiply_adds}


def cost_by_layer(model: "Network") -> dict[str, Cost]:
    """{name: Cost} of everything that `trace` shows, in the order of `forward`; then the other layers with parameters.

    Takes one forward pass over an image of zeros.
    """
    side = model.input_size
    images = to_device(np.zeros((1, side, side, model.channels), dtype=model.dtype), model.device)
    layers = dict(model.leaves())
    costs = {}
    for name, output in model.trace(images):
        layer = layers.get(name, Layer())  # a pool or a skip connection is no child of its network
        costs[name] = Cost(output.shape, layer.parameter_count, _multiply_adds(layer, output))
    hidden = {name: layer for name, layer in layers.items() if layer.params and name not in costs}
    return costs | {name: Cost((), layer.parameter_count, 0) for name, layer in hidden.items()}


def summary_of(model: "Network") -> str:
    """A table: of each layer its name, output for N images, parameters and multiply-adds for one image; and totals."""
    costs = cost_by_layer(model)
    rows: list[tuple[str, ...]] = [("layer", "output", "parameters", "multiply-adds")]
    for name, cost in costs.items():
        output = f"(N, {', '.join(map(str, cost.output[1:]))})" if cost.output else ""
        rows.append((name, output, *(f"{count:,}" if count else "" for count in cost[1:])))
    total = sum(cost.multiply_adds for cost in costs.values())
    rows.append(("total", "", f"{model.parameter_count:,}", f"{total:,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"{name:{widths[0]}}  {output:{widths[1]}}  {parameters:>{widths[2]}}  {products:>{widths[3]}}".rstrip()
        for name, output, parameters, products in rows
    ]
    reads = f"{model.name}: reads (N, {model.input_size}, {model.input_size}, {model.channels})"
    return "\n".join([reads, *lines])


def _multiply_adds(layer: Layer, output: Array) -> int:
    if "w" not in layer.params:
        return 0
    w = layer.params["w"]
    if isinstance(layer, ConvTranspose2d):
        kernel, stride, pad = w.shape[0], layer.geometry["stride"], layer.geometry["pad"]
        cells = prod((size + 2 * pad - kernel) // stride + 1 for size in output.shape[1:3])  # that it read
        return cells * w.size
    return output.size * (w.size // w.shape[-1])  # the last axis counts the outputs, of all three kinds
