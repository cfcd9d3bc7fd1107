"""What each layer is in ONNX: one node, or a few.

Ours are (N, H, W, C), ONNX's (N, C, H, W); convolution weights are (KH, KW, C, D) here and (D, C, KH, KW) there.
"""

from inspect import signature
from typing import Any

from minissd.device import to_numpy
from minissd.engine import l2_normalize
from minissd.errors import MinissdError
from minissd.export.onnx_graph import Graph, Map
from minissd.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    DepthwiseConv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    HardSigmoid,
    HardSwish,
    L2Normalize,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    ReLU6,
    Residual,
    Sequential,
    Sigmoid,
    SqueezeExcitation,
    Upsample2d,
)
from minissd.ops.geometry import pad_widths
from minissd.ops.windows import Windows

L2_EPS = signature(l2_normalize).parameters["eps"].default
NHWC, NCHW = [0, 2, 3, 1], [0, 3, 1, 2]  # the axes, of the other order


def append(graph: Graph, name: str, layer: Layer, x: Map) -> Map:
    """Let a layer, prepared by `for_inference`, read x; returns what it outputs.  Raises MinissdError for a layer
    that is not known here."""
    array = {key: to_numpy(value) for key, value in (layer.params | layer.buffers).items()}
    match layer:
        case SqueezeExcitation():
            g = _one_by_one(graph, name, layer, x)
            spread = graph.add("Unsqueeze", g.name, graph.integers(2, 3))
            return x._replace(name=graph.add("Mul", x.name, spread, name=name))
        case Residual():
            correction = _one_by_one(graph, name, layer, x)
            return correction._replace(name=graph.add("Add", correction.name, x.name, name=name))
        case Sequential():
            return _one_by_one(graph, name, layer, x)
        case Conv2d():
            return _convolution(graph, name, layer.geometry, x, array["w"].transpose(3, 2, 0, 1), array.get("b"))
        case DepthwiseConv2d():
            w = array["w"].transpose(2, 0, 1)[:, None]
            return _convolution(graph, name, layer.geometry, x, w, array.get("b"), groups=x.channels)
        case ConvTranspose2d():
            return _transposed_convolution(graph, name, layer, x)
        case MaxPool2d():
            return _pool(graph, name, "MaxPool", layer, x, layer.geometry["ceil_mode"])
        case AvgPool2d():
            return _pool(graph, name, "AveragePool", layer, x, False)  # ONNX counts no padding, as we
        case GlobalAvgPool2d():
            mean = graph.add("GlobalAveragePool", x.name)
            return Map(graph.add("Flatten", mean, name=name, axis=1), x.channels, ())
        case Linear():
            weights = (graph.constant(array[key], f"{name}.{key}") for key in "wb")
            return Map(graph.add("Gemm", x.name, *weights, name=name), array["b"].size, ())
        case Flatten():
            cells = graph.add("Transpose", x.name, perm=NHWC) if x.size else x.name
            numbers = x.channels * x.size[0] * x.size[1] if x.size else x.channels
            return Map(graph.add("Flatten", cells, name=name, axis=1), numbers, ())
        case BatchNorm():
            keys = ("gamma", "beta", "running_mean", "running_var")
            of_channels = (graph.constant(array[key], f"{name}.{key}") for key in keys)
            return _same(graph, name, x, "BatchNormalization", *of_channels, epsilon=layer.eps)
        case L2Normalize():
            return x._replace(name=_unit_length(graph, name, x, array["scale"]))
        case ReLU6():
            return _same(graph, name, x, "Clip", graph.constant(0), graph.constant(6))
        case ReLU():
            return _same(graph, name, x, "Relu")
        case LeakyReLU():
            return _same(graph, name, x, "LeakyRelu", alpha=layer.slope)
        case Sigmoid():
            return _same(graph, name, x, "Sigmoid")
        case HardSigmoid():
            return _same(graph, name, x, "HardSigmoid", alpha=1 / 6, beta=0.5)
        case HardSwish():
            return _same(graph, name, x, "HardSwish")
        case Upsample2d():
            scales, size = graph.constant([1, 1, layer.factor, layer.factor]), [side * layer.factor for side in x.size]
            where: dict[str, Any] = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            larger = graph.add("Resize", x.name, "", scales, name=name, mode="nearest", **where)
            return Map(larger, x.channels, tuple(size))
        case Dropout():
            return x
    raise MinissdError(f"{name}: {type(layer).__name__} has no form in ONNX here: not exported")


def _one_by_one(graph, name, layers, x):
    for inner, layer in layers.layers.items():
        x = append(graph, f"{name}.{inner}".lstrip("."), layer, x)
    return x


def _same(graph, name, x, operator, *others, **attributes):
    """A node whose output has the shape of x."""
    return x._replace(name=graph.add(operator, x.name, *others, name=name, **attributes))


def _convolution(graph, name, geometry, x, w, b, groups=1):
    """w (D, C / groups, KH, KW), b (D,) or None."""
    windows = Windows.over((1, *x.size, x.channels), w.shape[2:], **geometry)
    arrays = [graph.constant(w, f"{name}.w")] + ([] if b is None else [graph.constant(b, f"{name}.b")])
    how = {"kernel_shape": w.shape[2:], "strides": windows.stride, "dilations": windows.dilation, "group": groups}
    return Map(graph.add("Conv", x.name, *arrays, name=name, pads=_pads(windows), **how), len(w), windows.out)


def _transposed_convolution(graph, name, layer, x):
    w = to_numpy(layer.params["w"]).transpose(3, 2, 0, 1)  # (C, D, KH, KW)
    kernel, stride = w.shape[2:], layer.geometry["stride"]
    (top, bottom), (left, right) = pad_widths(layer.geometry["pad"], kernel)
    arrays = [graph.constant(w, f"{name}.w"), graph.constant(to_numpy(layer.params["b"]), f"{name}.b")]
    how = {"kernel_shape": kernel, "strides": [stride] * 2, "pads": [top, left, bottom, right]}
    cut = top + bottom, left + right
    size = tuple((n - 1) * stride + k - p for n, k, p in zip(x.size, kernel, cut, strict=True))
    return Map(graph.add("ConvTranspose", x.name, *arrays, name=name, **how), w.shape[1], size)


def _pool(graph, name, operator, layer, x, ceil_mode):
    stride, pad = layer.geometry["stride"] or layer.kernel, layer.geometry["pad"]
    windows = Windows.over((1, *x.size, x.channels), layer.kernel, stride, pad, ceil_mode=ceil_mode)
    how = {"kernel_shape": windows.kernel, "strides": windows.stride, "pads": _pads(windows)}
    return x._replace(name=graph.add(operator, x.name, name=name, **how), size=windows.out)


def _pads(windows):
    """[top, left, bottom, right], as far as the windows reach: nobody has to round up."""
    (top, _), (left, _) = windows.pads
    height, width = windows.padded_size
    return [top, left, height - top - windows.x_shape[1], width - left - windows.x_shape[2]]


def _unit_length(graph, name, x, scale):
    """x / sqrt(sum over the channels of x^2 + eps) * scale."""
    squares = graph.add("Mul", x.name, x.name)
    total = graph.add("ReduceSum", squares, graph.integers(1), keepdims=1)
    norm = graph.add("Sqrt", graph.add("Add", total, graph.constant(L2_EPS)))
    unit = graph.add("Div", x.name, norm)
    return graph.add("Mul", unit, graph.constant(scale[:, None, None], f"{name}.scale"), name=name)
