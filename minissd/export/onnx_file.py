"""ONNX files: the graph of a network, and beside it in words what goes in and what comes out."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from minissd.device import to_numpy
from minissd.errors import MinissdError
from minissd.export.onnx_graph import Graph
from minissd.export.onnx_networks import draw
from minissd.files import write_atomically
from minissd.models import SSD, Network

RESIZING = {
    "antialiased": "Pillow's Image.resize(({S}, {S}), Image.Resampling.BILINEAR)",
    "bilinear": "OpenCV's cv2.resize(image, ({S}, {S}))",
    "fine bilinear": "PyTorch's interpolate(mode='bilinear', align_corners=False), not rounded, as float32 0..255",
}
COMING_OUT = {
    "outputs": "offsets (N, P, 4) of the default boxes and logits (N, P, C + 1), background first",
    "boxes": "boxes (N, P, 4) and scores (N, P, C) of all default boxes, before non-maximum suppression",
    "detections": "boxes (N, K, 4), labels (N, K), scores (N, K), best first, of which the first count (N,) are found",
}
OTHERS = {
    "classify": "scores (N, C)",
    "segment": "probabilities (N, S, S, C)",
    "regress": "values (N, 1)",
}


def export_onnx(model: Network, path: str | Path, *, nms: bool = False) -> dict[str, str]:
    """Write the graph of a network, whole or not at all, and return its metadata.

    It ends in boxes and scores of all default boxes, or with `nms` in detections, as `detect` finds them.  Raises
    MinissdError for a network that has no form in ONNX, and if the onnx package is missing.
    """
    if Path(path).suffix.lower() != ".onnx":
        raise MinissdError(f"{path}: graphs are written as ONNX: give a path that ends with .onnx")
    if nms and not isinstance(model, SSD):
        raise MinissdError(f"{model.name} finds no boxes by default boxes: leave --nms out")
    for name, array in (model.params | model.buffers).items():
        if not np.isfinite(to_numpy(array)).all():
            raise MinissdError(f"{name} of {model.name} is not finite: not exported; use another checkpoint")
    proto = onnx_model(model, "detections" if nms else "boxes")
    write_atomically(path, lambda file: file.write(proto.SerializeToString()))
    return {entry.key: entry.value for entry in proto.metadata_props}


def onnx_model(model: Network, ends: str = "boxes") -> Any:
    """The network as an onnx.ModelProto.  ends: of `ENDS`, what the graph of an SSD outputs."""
    graph = Graph()
    draw(graph, model, ends)
    return graph.model(model.name, describe(model, ends))


def describe(model: Network, ends: str) -> dict[str, str]:
    """The metadata of the graph: what a program that uses it has to know, in words or as JSON."""
    size, colours = model.input_size, "RGB" if model.channels == 3 else "grey"
    words = {
        "network": model.name,
        "classes": json.dumps(model.classes, ensure_ascii=False),
        "input": f"images (N, {size}, {size}, {model.channels}): {colours} pixels 0..255, which the graph normalises; "
        f"whole pictures brought to this size by {RESIZING[model.resize].format(S=size)}",
        "output": COMING_OUT[ends] if isinstance(model, SSD) else OTHERS[model.task],
    }
    if isinstance(model, SSD):
        words["boxes"] = "x_min, y_min, x_max, y_max in parts of the width and the height of the picture"
        words["labels"] = "from 0 in the order of classes, without background"
        usage = {name: value for name, value in model.usage._asdict().items() if name != "resize"}
        words["usage"] = json.dumps(usage)
        words["thresholds"] = json.dumps(dict(model.thresholds))
    return words
