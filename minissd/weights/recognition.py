"""Which layout the weights in a file have, by the names in it, and what is wrong with those that have none."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from minissd.errors import MinissdError
from minissd.models import TRUNK_OF
from minissd.weights.layout import Reading
from minissd.weights.layouts import LAYOUTS
from minissd.weights.ours import description, in_full, own_layout
from minissd.weights.reading import read_weights
from minissd.weights.report import some


def published_layout(file):
    """The first layout that has all its signature in the file, with numbers in its dense layers; else None.

    torchvision fills the dense layers of a trunk that has none with NaN.  What a file that we exported says of itself
    takes the place of what is usual for its layout.
    """
    for layout in LAYOUTS:
        if layout.signature <= file.tensors.keys():
            dense = [file.tensors[f"{layer}.weight"] for layer in layout.dense]
            if all(np.isfinite(weight).all() for weight in dense):
                return as_described(layout, file)
    return None


def as_described(layout, file):
    """The layout with the classes, default boxes and normalisation of pixels that the metadata of a file tell."""
    name, classes, options = description(file)
    if name not in layout.models:
        return layout
    try:
        reading = Reading(*(tuple(map(float, part)) for part in json.loads(file.metadata["pixels"])))
    except (KeyError, ValueError, TypeError, RecursionError):
        raise MinissdError("its description is damaged: use another file") from None
    return layout._replace(classes=classes, boxes=in_full(name, options).get("boxes"), reading=reading)


def layout_of(file, arrays):
    """The layout of a WeightsFile, published or our own for a model with these arrays; None if it is none of these."""
    return published_layout(file) or own_layout(file, arrays)


def options_for(name: str, path: str | Path) -> dict[str, Any]:
    """The options that the model `name` has to be built with to have the layers in a file; {} if any will do.

    {"reduced_tail": False} for the trunk of MobileNetV3 that was trained on ImageNet, and that of a file of ours.
    """
    file = read_weights(path)
    layout = published_layout(file)
    if layout is not None:
        return dict(layout.options) if name in layout.models else {}
    stored_name, _, options = description(file)
    family = (name, TRUNK_OF.get(name))
    return {key: options[key] for key in ("reduced_tail",) if key in options and stored_name in family}


def whole_network(layout):
    """The name of the model that is all of a published layout."""
    if layout.classes is None:
        models = " or ".join(layout.models)
        raise MinissdError(f"holds {layout.name}, a trunk, which detects nothing yet: train {models} from it")
    return layout.models[0]


def lacking(file):
    """What is wrong with a file that is nearly of a published layout, else ""."""
    nearest = max(LAYOUTS, key=lambda layout: len(layout.signature & file.tensors.keys()) / len(layout.signature))
    missing = sorted(nearest.signature - file.tensors.keys())
    if len(missing) > len(nearest.signature) / 2 or not missing:
        return ""
    return f"has the names of {nearest.name}, but lacks {some(missing)}: fetch it again, or save the whole network"


def check_layout(file, layout, model, places):
    """MinissdError unless the layout is known, and the model has such layers, whose names are the keys of `places`."""
    if layout is None:
        known = ", ".join(layout.name for layout in LAYOUTS)
        raise MinissdError(
            lacking(file)
            or f"holds {some(list(file.tensors)) or 'nothing'}, which are names of no layout known here: "
            f"give weights of {model.name} by minissd, or of {known}"
        )
    there = sum(layout.names[theirs] in places for theirs in layout.signature)
    if there < len(layout.signature) / 2:
        models = " or ".join(layout.models) or "another model"
        raise MinissdError(f"holds {layout.name}, and {model.name} has none of its layers: load it into {models}")
