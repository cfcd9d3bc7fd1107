"""Networks as ONNX graphs: from images to boxes and scores, or to what else a network says.

N images, S pixels a side, P default boxes, C classes without background.
"""

from typing import Any

import numpy as np

from minissd.detection.boxes import LARGEST_LOG_SIZE, VARIANCES
from minissd.device import to_numpy
from minissd.errors import MinissdError
from minissd.export.onnx_graph import BATCH, Graph, Map
from minissd.export.onnx_layers import NCHW, NHWC, append
from minissd.export.onnx_nms import detections
from minissd.models import SSD, Classifier, Network, Regressor
from minissd.models.unet import UNet

ENDS = ("outputs", "boxes", "detections")


def draw(graph: Graph, model: Network, ends: str) -> None:
    """Put a network into an empty graph.

    ends: for an SSD, with what the graph ends: "outputs", offsets and logits as `forward` has them; "boxes" and scores
    of all default boxes; or "detections".  Raises MinissdError for a network that has no form here.
    """
    x = read_images(graph, model)
    match model:
        case SSD():
            _ssd(graph, model, x, ends)
        case UNet():
            _unet(graph, model, x)
        case Classifier():
            logits = append(graph, "", model.body.for_inference(), x)
            scores = graph.add("Softmax", logits.name, axis=-1)
            graph.output(scores, "scores", np.float32, (BATCH, len(model.classes)))
        case Regressor():
            values = append(graph, "", model.body.for_inference(), x)
            graph.output(values.name, "values", np.float32, (BATCH, 1))
        case _:
            raise MinissdError(f"{model.name} is not exported to ONNX: give an SSD, a U-Net or a classifier")


def read_images(graph: Graph, model: Network) -> Map:
    """The input, pixels 0..255 as (N, S, S, channels), normalised, as maps.

    Whole numbers, unless the network sees pictures that were resized without rounding.
    """
    dtype = np.float32 if model.resize == "fine bilinear" else np.uint8
    images = graph.input("images", dtype, (BATCH, model.input_size, model.input_size, model.channels))
    x = images if dtype == np.float32 else graph.add("Cast", images, to=graph.onnx.TensorProto.FLOAT)
    mean, scale = (graph.constant(to_numpy(model.buffers[f"pixels.{key}"]), key) for key in ("mean", "scale"))
    normalized = graph.add("Mul", graph.add("Sub", x, mean), scale)
    return Map(graph.add("Transpose", normalized, perm=NCHW), model.channels, (model.input_size,) * 2)


def _ssd(graph, model, x, ends):
    offsets, logits = ssd_outputs(graph, model, x)
    count, classes = len(model.default_boxes), len(model.classes)
    if ends == "outputs":
        graph.output(offsets, "offsets", np.float32, (BATCH, count, 4))
        graph.output(logits, "logits", np.float32, (BATCH, count, classes + 1))
        return
    boxes, scores = corners(graph, model, offsets), class_scores(graph, logits)
    if ends == "detections":
        detections(graph, model, boxes, scores)
        return
    graph.output(boxes, "boxes", np.float32, (BATCH, count, 4))
    graph.output(scores, "scores", np.float32, (BATCH, count, classes))


def ssd_outputs(graph: Graph, model: SSD, x: Map) -> list[str]:
    """offsets (N, P, 4), logits (N, P, C + 1)."""
    found: dict[str, list[str]] = {"offsets": [], "logits": []}
    for i, ((name, stage), head) in enumerate(zip(model.stages.items(), model.heads, strict=True)):
        x = append(graph, name, stage.for_inference(), x)
        seen = x
        if "l2norm" in head.children:
            seen = append(graph, f"head{i}.l2norm", head.children["l2norm"], x)
        for part, numbers in (("offsets", 4), ("logits", len(model.classes) + 1)):
            y = append(graph, f"head{i}.{part}", head.children[part].for_inference(), seen)
            by_cell = graph.add("Transpose", y.name, perm=NHWC)
            found[part].append(graph.add("Reshape", by_cell, graph.integers(0, -1, numbers)))
    return [graph.add("Concat", *parts, name=f"all_{name}", axis=1) for name, parts in found.items()]


def corners(graph: Graph, model: SSD, offsets: str) -> str:
    """`minissd.detection.decode` and `to_corners`: offsets (N, P, 4) -> corners (N, P, 4)."""
    centers = to_numpy(model.default_boxes)
    at, side = centers[:, :2], centers[:, 2:]
    to_center, to_size = graph.add("Split", offsets, graph.integers(2, 2), outputs=2, axis=2)
    center = graph.add(
        "Add", graph.add("Mul", to_center, graph.constant(VARIANCES[0] * side)), graph.constant(at, "centers")
    )
    logarithm = graph.add("Mul", to_size, graph.constant(VARIANCES[1]))
    growth = graph.add("Exp", graph.add("Min", logarithm, graph.constant(LARGEST_LOG_SIZE)))
    half = graph.add("Mul", growth, graph.constant(side / 2))
    both = graph.add("Sub", center, half), graph.add("Add", center, half)
    found = graph.add("Concat", *both, axis=2)
    return graph.add("Clip", found, graph.constant(0), graph.constant(1)) if model.usage.clip_first else found


def class_scores(graph: Graph, logits: str) -> str:
    """logits (N, P, C + 1) -> scores (N, P, C), without the background."""
    everything = graph.add("Softmax", logits, axis=2)
    start, end, axis = graph.integers(1), graph.integers(np.iinfo(np.int64).max), graph.integers(2)
    return graph.add("Slice", everything, start, end, axis)


def _unet(graph: Graph, model: Any, x: Map) -> None:
    """Probabilities (N, S, S, C)."""
    skips = []
    for i, encoder in enumerate(model.encoders, 1):
        x = append(graph, f"encoder{i}", encoder.for_inference(), x)
        skips.append(x)
        x = append(graph, f"pool{i}", model.pool, x)
    x = append(graph, "bottleneck", model.bottleneck.for_inference(), x)
    for i in reversed(range(len(skips))):
        x, skip = append(graph, f"up{i + 1}", model.ups[i], x), skips[i]
        if model.options["skip"] == "concatenate":
            joined = graph.add("Concat", skip.name, x.name, axis=1)
            x = x._replace(name=joined, channels=skip.channels + x.channels)
        else:
            x = x._replace(name=graph.add("Add", skip.name, x.name))
        x = append(graph, f"decoder{i + 1}", model.decoders[i].for_inference(), x)
    probabilities = graph.add("Sigmoid", append(graph, "output", model.output, x).name)
    shape = (BATCH, model.input_size, model.input_size, len(model.classes))
    graph.output(graph.add("Transpose", probabilities, perm=NHWC), "probabilities", np.float32, shape)
