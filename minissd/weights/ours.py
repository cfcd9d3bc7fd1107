"""Files in our own layout: checkpoints of a training run, what `save` writes, and plain arrays under our names."""

import json

import numpy as np

from minissd.errors import MinissdError
from minissd.files import parse_json
from minissd.models import MODELS, options_of
from minissd.models.ssd import OWN
from minissd.weights.layout import Layout

FORMAT = "minissd weights 1"
MOMENTUM = "velocity/"  # how checkpoints name what only the optimiser needs
_PREFIXES = ("params/", "buffers/")  # and what the model needs


class OwnLayout(Layout):
    """Names and shapes are ours already, stages included."""

    def convert(self, theirs: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        return array


def own_layout(file, arrays):
    """The layout of a WeightsFile that names some of our arrays, else None."""
    names = {theirs: _plain(theirs) for theirs in file.tensors if _plain(theirs) in arrays}
    if not names:
        return None
    signature = frozenset(theirs for theirs, ours in names.items() if not ours.startswith("pixels."))  # all have these
    model, classes, options = description(file)
    boxes = in_full(model, options).get("boxes")
    return OwnLayout("minissd", names, signature, classes=classes, boxes=boxes)


def describe(model):
    """What the metadata of a file of ours say of a model, for `description` to read: enough to make it again."""
    of_all = {"model": model.name, "classes": json.dumps(model.classes), "options": json.dumps(model.options)}
    thresholds = getattr(model, "thresholds", None)  # of a detector that was scored
    return of_all | ({"thresholds": json.dumps(dict(thresholds))} if thresholds else {})


def is_of(metadata, model):
    """Whether metadata are what `describe` says of a model."""
    try:
        classes, options = parse_json(metadata["classes"]), parse_json(metadata["options"])
        name = metadata["model"]
        return (name, classes, in_full(name, options)) == (model.name, list(model.classes), model.options)
    except (KeyError, ValueError, TypeError):
        return False


def in_full(name, options):
    """The options of a file of ours with those that it may lack, because its model had no choice there yet."""
    known = options_of(name) if name in MODELS else {}
    boxes = {"boxes": OWN} if known.get("boxes") == OWN else {}
    sampling = {"sampling": "strides"} if "sampling" in known else {}
    return boxes | sampling | options


def refuse_former(name, options):
    """MinissdError for the description of a network whose layers are others today."""
    if name == "ssd300-mobilenet" and "boxes" not in options:
        raise MinissdError(
            "is of the ssd300-mobilenet of before 2026-11-30, with 1x1 heads and 2,278 default boxes; today's is "
            "qfgaohao's and has other layers: train it anew, and give --weights this file to begin with its trunk"
        )


def description(file):
    """(model's name or None, classes or None, options of `build`) as the metadata of a file of ours tell them."""
    if not file.metadata.get("format", "").startswith("minissd "):
        return None, None, {}
    try:
        classes, options = parse_json(file.metadata["classes"]), parse_json(file.metadata["options"])
        named = type(classes) is list and all(type(name) is str for name in classes)
        if not named or type(options) is not dict:
            raise ValueError
        return file.metadata["model"], tuple(classes), options
    except (KeyError, ValueError):
        raise MinissdError("its description is damaged: use another file") from None


def thresholds_in(metadata, classes):
    """{class: threshold} of a detector with these classes, as the metadata tell it; ValueError for anything else."""
    thresholds = parse_json(metadata.get("thresholds", "{}"))
    named = type(thresholds) is dict and thresholds.keys() <= set(classes)
    if not named or not all(type(one) in (int, float) and 0 <= one <= 1 for one in thresholds.values()):
        raise ValueError(f"thresholds {thresholds}")
    return thresholds


def _plain(name):
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
