"""From a file of weights into a model: which tensor goes where, whether it fits, and what becomes of the rest."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minissd.device import to_like
from minissd.errors import MinissdError
from minissd.models import Network, build
from minissd.weights.layout import COUNTER
from minissd.weights.ours import MOMENTUM, description, refuse_former, thresholds_in
from minissd.weights.reading import read_weights
from minissd.weights.recognition import check_layout, lacking, layout_of, published_layout, whole_network
from minissd.weights.report import Report, some

_HEAD = re.compile(r"(head\d+|classifier|cells|fc26|fc3|output)\.")  # our names of what depends on the classes

MOMENTUM_OF_A_RUN = "momentum of a training run"  # why a tensor of a checkpoint is left over


def load(model: Network, path: str | Path, *, heads: bool = True) -> Report:
    """Fill a model with the weights in a file (.npz, .safetensors, .pth, .pt) and return a Report.

    The layout is recognised by the names in the file; the pixel normalisation and the default boxes that belong to it
    come along.  What fits goes in, in place and in the model's dtype; the rest of either side is reported.
    heads=False leaves the parameters that depend on the classes, and the default boxes, as they are; `start_from` takes
    over of them what fits.

    Raises MinissdError, and leaves the model as it is, if the file is damaged, of a layout that is not known, or has
    a tensor of another shape than its place.
    """
    return _fill(model, read_weights(path), heads)


def load_model(
    name: str | None, path: str | Path, *, classes: Sequence[str] | None = None, device: str = "cpu"
) -> tuple[Any, Report]:
    """(model, Report): build `name` and load the file into it.

    name: None for the network that the file is of, where it tells.  classes: those of the file, unless given.  A file
    that `save` wrote from the same model gives its options too.
    """
    file = read_weights(path)
    try:
        layout = published_layout(file)
        stored_name, stored_classes, options = description(file)
        if name is None:
            name = stored_name if layout is None else whole_network(layout)
        if name is None:
            raise MinissdError(lacking(file) or "does not say which network it is of: name the model")
        known = layout.classes if layout else stored_classes if stored_name == name else None
        if classes is None and known is None:
            raise MinissdError(lacking(file) or "does not say which classes it was trained for: give them")
        refuse_former(stored_name if layout is None else None, options)
        options = options if stored_name == name else {}
        model = _build(name, known if classes is None else classes, device, options)
        thresholds = _thresholds(file, model) if (stored_name, stored_classes) == (name, model.classes) else {}
    except MinissdError as error:
        raise MinissdError(f"{path}: {error}") from None
    report = _fill(model, file, heads=True)
    if model.task == "detect":
        model.thresholds = thresholds
    return model, report


def _thresholds(file, model):
    """Those that the metadata of a file tell of a detector with the same classes."""
    try:
        return thresholds_in(file.metadata, model.classes)
    except (ValueError, RecursionError):
        raise MinissdError("its description is damaged: use another file") from None


def _build(name, classes, device, options):
    try:
        return build(name, classes=classes, device=device, **options)
    except (TypeError, ValueError):
        if not options:
            raise
        raise MinissdError("its description is damaged: use another file") from None


def _fill(model, file, heads):
    """Decide everything, then change the model."""
    arrays = model.params | model.buffers
    try:
        layout = layout_of(file, arrays)
        matched, left_over = matched_names(model, file, layout, arrays, heads)
        values = {ours: _fitted(model, file, layout, theirs, arrays[ours], ours) for theirs, ours in matched.items()}
        values |= pixels_of(layout, model)
        with_heads = any(map(_HEAD.match, matched.values()))
        if with_heads and _are_exchanged(layout.classes, model.classes):
            raise MinissdError(f"its classes are {some(layout.classes)} in this order: give them so, or none")
        boxes = layout.boxes if with_heads and model.task == "detect" else None
        if boxes is not None and not model.knows(boxes):
            which = repr(boxes) if isinstance(boxes, str) else "of its own shapes"
            raise MinissdError(f"was trained with default boxes {which}, which {model.name} lacks: pass heads=False")
    except MinissdError as error:
        raise MinissdError(f"{file.path}: {error}") from None

    for ours, value in values.items():
        arrays[ours][...] = to_like(value, arrays[ours])
    if boxes is not None:
        model.set_boxes(boxes)
    untouched = tuple(name for name in arrays if name not in values)
    notes = _notes(layout, model) if with_heads else ()
    return Report(layout.name, model.name, matched, left_over, untouched, notes)


def may_bring_boxes(layout, model):
    """Whether a model may get the default boxes of a file with its heads: shapes that it was given itself stay."""
    boxes = getattr(model, "boxes", None)
    return layout.boxes in (None, boxes) or (isinstance(boxes, str) and model.knows(layout.boxes))


def matched_names(model, file, layout, arrays, heads):
    """({their name: ours}, {their name: why it is left over})."""
    places = {name.partition(".")[2]: name for name in arrays} | {name: name for name in arrays}
    check_layout(file, layout, model, places)
    matched, left_over = {}, {}
    for theirs, array in file.tensors.items():
        ours = places.get(layout.names.get(theirs))
        if theirs.endswith(COUNTER):
            continue
        if ours is None:
            left_over[theirs] = _why_without_place(theirs, array, model)
        elif not heads and _HEAD.match(ours):
            left_over[theirs] = "the heads stay as they are"
        else:
            matched[theirs] = ours
    if layout.signature.isdisjoint(matched):
        raise MinissdError(f"holds {layout.name}, and {model.name} has none of its layers: load it into another model")
    return matched, left_over


def _why_without_place(theirs, array, model):
    if theirs.startswith(MOMENTUM):
        return MOMENTUM_OF_A_RUN
    return f"{model.name} has no such layer" if np.isfinite(array).all() else "not finite"


def converted(file, layout, theirs, target, ours):
    """Their tensor in our order, whether or not it has the shape of `target`."""
    array = file.tensors[theirs]
    if array.dtype.kind != "f":
        raise MinissdError(f"{theirs} is of {array.dtype}, and {ours} of {target.dtype}: use another file")
    try:
        return layout.convert(theirs, array, target.shape)
    except ValueError:
        return array


def finite_in(array, target, theirs):
    """The array in the dtype of `target`."""
    with np.errstate(over="ignore"):  # reported as not finite
        value = np.ascontiguousarray(array, dtype=target.dtype)
    if not np.isfinite(value).all():
        raise MinissdError(f"{theirs} is not finite in {target.dtype}: use another file")
    return value


def _fitted(model, file, layout, theirs, target, ours):
    """Their tensor as ours: order, shape and dtype of `target`, in host memory."""
    array, ordered = file.tensors[theirs], converted(file, layout, theirs, target, ours)
    if ordered.shape != target.shape:
        turned = "" if ordered.shape == array.shape else f", in our order {ordered.shape}"
        advice = _advice(model, ours, ordered.shape, target.shape)
        raise MinissdError(f"{theirs} is {array.shape}{turned}, but {ours} of {model.name} is {target.shape}: {advice}")
    return finite_in(ordered, target, theirs)


def _advice(model, ours, theirs_shape, shape):
    """What to do about a tensor of another shape."""
    if not _HEAD.match(ours):
        return f"load it into a model of its shape, or give a file for {model.name}"
    fresh = "in Python pass heads=False to begin with fresh ones"
    background = int(model.task == "detect")
    boxes_per_cell = shape[-1] // (len(model.classes) + background)  # 1 for a classifier
    if ".offsets." in ours or theirs_shape[:-1] != shape[:-1] or theirs_shape[-1] % boxes_per_cell:
        return f"the heads differ, {fresh}"
    count = theirs_shape[-1] // boxes_per_cell - background
    return f"give the model the {count} classes of the file (--classes), or {fresh}"


def pixels_of(layout, model):
    """Our buffers of the normalisation, as the layout has it."""
    if layout.reading is None:
        return {}
    return {f"pixels.{key}": np.array(values, model.dtype) for key, values in layout.reading._asdict().items()}


def _are_exchanged(classes, own):
    """Whether these are the same names in another order: outputs would be called by the names of others."""
    return classes not in (None, own) and sorted(classes) == sorted(own)


def _notes(layout, model):
    if layout.classes in (None, model.classes):
        return ()
    return (f"classes by position: {some(layout.classes)} in the file are {some(model.classes)} in the model",)
