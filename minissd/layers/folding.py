"""Batch norm folded into the convolution before it, for inference (Ioffe and Szegedy 2015, section 3.1)."""

from typing import Any

from minissd.engine import fold_batch_norm
from minissd.layers.batch_norm import BatchNorm
from minissd.layers.conv2d import Conv2d
from minissd.layers.depthwise_conv2d import DepthwiseConv2d
from minissd.layers.layer import Layer, locked


def fold(layers: dict[str, Layer]) -> dict[str, Layer]:
    """Layers by name, one after the other -> the same function of x outside of training, as they are now: without the
    batch norms that follow a convolution, and with parameters of their own."""
    folded: dict[str, Layer] = {}
    for name, layer in layers.items():
        last = folded.get(next(reversed(folded), ""))
        if isinstance(layer, BatchNorm) and isinstance(last, Conv2d | DepthwiseConv2d):
            of_channels: dict[str, Any] = layer.params | layer.buffers
            w, b = fold_batch_norm(last.params["w"], last.params.get("b"), **of_channels, eps=layer.eps)
            last.params = {"w": locked(w), "b": locked(b)}
        else:
            folded[name] = layer.for_inference()
    return folded
