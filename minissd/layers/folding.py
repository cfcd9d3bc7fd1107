"""What follows a convolution taken on by it, for inference: batch norm (Ioffe and Szegedy 2015, section 3.1) and ReLU.

A max pooling may lie between them, where no gamma is negative: a slope of at least 0 and a shift may as well be
applied before the largest number is chosen.
"""

from typing import Any

from minissd.engine import fold_batch_norm
from minissd.engine.convolution import unchanged
from minissd.layers.batch_norm import BatchNorm
from minissd.layers.conv2d import Conv2d
from minissd.layers.depthwise_conv2d import DepthwiseConv2d
from minissd.layers.layer import Layer, locked
from minissd.layers.stateless import MaxPool2d, ReLU


def fold(layers: dict[str, Layer]) -> dict[str, Layer]:
    """Layers by name, one after the other -> the same function of x outside of training, as they are now.

    Gone are the batch norms behind a convolution and the ReLUs right behind one, which applies them to each part of its
    output while that lies in the cache.  The layers have parameters of their own.
    """
    folded: dict[str, Layer] = {}
    for name, layer in layers.items():
        before = list(folded.values())
        if isinstance(layer, BatchNorm) and (convolution := _taking_on(layer, before)):
            of_channels: dict[str, Any] = layer.params | layer.buffers
            w, b = fold_batch_norm(convolution.params["w"], convolution.params.get("b"), **of_channels, eps=layer.eps)
            convolution.params = {"w": locked(w), "b": locked(b)}
        elif isinstance(layer, ReLU) and not layer.tapped and isinstance(convolution := _last(before), Conv2d):
            convolution.finish = layer.finish
        else:
            folded[name] = layer.for_inference()
    return folded


def _taking_on(batch_norm: BatchNorm, before: list[Layer]) -> Layer | None:
    """The convolution that may take on what a batch norm behind these layers does, or None."""
    pooled = before and isinstance(before[-1], MaxPool2d)
    return _last(before[:-1] if pooled and bool((batch_norm.params["gamma"] >= 0).all()) else before)


def _last(layers: list[Layer]) -> Layer | None:
    """The last layer, if it is a convolution that has not taken on an activation."""
    last = layers[-1] if layers else None
    return (
        last if isinstance(last, Conv2d | DepthwiseConv2d) and getattr(last, "finish", unchanged) is unchanged else None
    )
