"""Weights for the programs of others: the same tables of names as for reading theirs, read the other way.

A file for PyTorch holds tensors and nothing else, so a network goes into it only where the program it is for can be
told all the rest: the classes, the default boxes, how pixels are normalised.  `programs.py` says how.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minissd.device import to_numpy
from minissd.errors import MinissdError
from minissd.layers.folding import fold
from minissd.models import SSD, Network
from minissd.weights import programs
from minissd.weights.layout import COUNTER, Layout
from minissd.weights.mobilenet_layouts import MOBILENET_SSD
from minissd.weights.mobilenet_v3_layouts import SSDLITE
from minissd.weights.ours import FORMAT, describe
from minissd.weights.report import some
from minissd.weights.torch_writing import write_torch
from minissd.weights.vgg_layouts import SSD_PYTORCH, TORCHVISION_SSD

SUFFIXES = (".pth", ".pt")


class Target(NamedTuple):
    """layout: of the file.  boxes: names of the default boxes that the program can be told to use.  program: model,
    file -> the lines of Python that load it there; MinissdError for what the program cannot be told."""

    layout: Layout
    boxes: tuple[str, ...]
    program: Callable[[Network, str], list[str]]


TARGETS = {  # program -> {our network: Target}
    "torchvision": {
        "ssd300-vgg16": Target(TORCHVISION_SSD, ("torchvision", "caffe"), programs.torchvision_vgg),
        "ssdlite320-mobilenet-v3": Target(SSDLITE, ("torchvision", "own"), programs.torchvision_lite),
    },
    "ssd.pytorch": {"ssd300-vgg16": Target(SSD_PYTORCH, ("ssd.pytorch", "caffe"), programs.ssd_pytorch)},
    "qfgaohao": {"ssd300-mobilenet": Target(MOBILENET_SSD, ("qfgaohao", "own"), programs.qfgaohao)},
}


def export(model: Any, path: str | Path, program: str) -> list[str]:
    """Write the state_dict of `program`, a key of TARGETS, and return the lines of Python that load it there.

    Batch norm for which the program has no layers is folded into the convolutions before it.  The file also describes
    the network, for `load_model`, which makes the same one of it.

    Raises MinissdError, and writes nothing, for a network that the program does not have, default boxes that it cannot
    be told, and numbers that are not finite.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise MinissdError(f"{path}: weights for PyTorch are files of torch.save: give a path that ends with .pth")
    target = target_for(model, program)
    lines = target.program(model, str(path))
    tensors = state_dict(model, target.layout)
    write_torch(path, tensors, _description(model))
    return lines


def target_for(model: Any, program: str) -> Target:
    """The Target for a model, or MinissdError that says why there is none."""
    networks = TARGETS[program]
    if model.name not in networks or not isinstance(model, SSD):
        known = " and ".join(networks)
        raise MinissdError(f"{program} has no {model.name}: it takes {known}; --to onnx takes every SSD")
    target = networks[model.name]
    if model.boxes not in target.boxes:
        which = repr(model.boxes) if isinstance(model.boxes, str) else "fitted to its data"
        raise MinissdError(
            f"the default boxes of this {model.name} are {which}, and {program} knows those of its own: use --to onnx, "
            f"or train with --boxes {target.boxes[0]}"
        )
    return target


def state_dict(model: Any, layout: Layout) -> dict[str, np.ndarray]:
    """Their name -> our array in their order, with all that the layout names and no more."""
    arrays = model.params | model.buffers
    if any(name.endswith(".running_var") for name in arrays) and not _has_batch_norm(layout):
        arrays = _folded(model)
    places = {name.partition(".")[2]: name for name in arrays} | {name: name for name in arrays}
    lacking = [ours for ours in layout.names.values() if ours not in places]
    placed = {places[ours] for ours in layout.names.values() if ours in places}
    foreign = [name for name in arrays if name not in placed and not name.startswith("pixels.")]
    if lacking or foreign:
        raise MinissdError(
            f"this {model.name} is built otherwise than {layout.name}: {_differences(lacking, foreign)}; use --to onnx"
        )
    tensors = {}
    for theirs, ours in layout.names.items():
        array = to_numpy(arrays[places[ours]])
        if not np.isfinite(array).all():
            raise MinissdError(f"{places[ours]} of {model.name} is not finite: not exported; use another checkpoint")
        tensors[theirs] = layout.revert(theirs, array)
        if theirs.endswith(".running_var"):
            tensors[theirs.removesuffix(".running_var") + COUNTER] = np.array(0, np.int64)
    return tensors


def _has_batch_norm(layout):
    return any(ours.endswith(".running_var") for ours in layout.names.values())


def _differences(lacking, foreign):
    both = (("it has no", lacking), ("there is no", foreign))
    return ", ".join(f"{words} {some(names)}" for words, names in both if names)


def _folded(model):
    """The arrays of a model whose batch norms lie in its convolutions."""
    arrays = {name: array for name, array in model.params.items() if name.startswith("head")}
    for stage_name, stage in model.stages.items():
        for name, layer in fold(stage.layers).items():
            arrays |= {f"{stage_name}.{name}.{key}": array for key, array in (layer.params | layer.buffers).items()}
    return arrays


def _description(model):
    """What `recognition.as_described` and `description` read."""
    described = describe(model)
    options = json.loads(described["options"])
    if options.get("batch_norm"):
        options["batch_norm"] = False  # folded
    pixels = [to_numpy(model.buffers[f"pixels.{key}"]).tolist() for key in ("mean", "scale")]
    return {"format": FORMAT, **described, "options": json.dumps(options), "pixels": json.dumps(pixels)}
