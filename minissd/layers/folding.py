"""Batch norm folded into the convolution before it, for inference (Ioffe and Szegedy 2015, section 3.1).

A max pooling may lie between them, where no gamma is negative: a slope of at least 0 and a shift may as well be
applied before the largest number is chosen.
"""

from typing import Any

from minissd.engine import fold_batch_norm
from minissd.layers.batch_norm import BatchNorm
from minissd.layers.conv2d import Conv2d
from minissd.layers.depthwise_conv2d import DepthwiseConv2d
from minissd.layers.layer import Layer, locked
from minissd.layers.stateless import MaxPool2d


def fold(layers: dict[str, Layer]) -> dict[str, Layer]:
    """Layers by name, one after the other -> the same function of x outside of training, as they are now: without the
    batch norms that follow a convolution, and with parameters of their own."""
    folded: dict[str, Layer] = {}
    for name, layer in layers.items():
        if isinstance(layer, BatchNorm) and (convolution := _convolution_before(layer, folded)):
            of_channels: dict[str, Any] = layer.params | layer.buffers
            w, b = fold_batch_norm(convolution.params["w"], convolution.params.get("b"), **of_channels, eps=layer.eps)
            convolution.params = {"w": locked(w), "b": locked(b)}
        else:
            folded[name] = layer.for_inference()
    return folded


def _convolution_before(batch_norm: BatchNorm, layers: dict[str, Layer]) -> Layer | None:
    """The convolution that may take on what a batch norm behind these layers does, or None."""
    before = list(layers.values())
    if before and isinstance(before[-1], MaxPool2d) and bool((batch_norm.params["gamma"] >= 0).all()):
        before.pop()
    return before[-1] if before and isinstance(before[-1], Conv2d | DepthwiseConv2d) else None
