"""The start of a training from weights of another one: for other classes, another input size, the same trunk elsewhere.

What has a place of its shape is taken over.  In the layers that score classes, the outputs of a class go to the class
of the same name, those of the background, and the offsets of boxes, to their like; the outputs of new classes stay as
they were drawn.  Without a class in common, or with default boxes of other shapes, heads stay whole as they were drawn.
"""

from pathlib import Path

import numpy as np

from minissd.device import to_like, to_numpy
from minissd.errors import MinissdError
from minissd.models import Network
from minissd.weights.loading import converted, finite_in, matched_names, may_bring_boxes, pixels_of
from minissd.weights.ours import MOMENTUM, description
from minissd.weights.reading import read_weights
from minissd.weights.recognition import layout_of
from minissd.weights.report import Report, some


def start_from(model: Network, path: str | Path) -> Report:
    """Fill a model that is to be trained with what fits of a file of weights (.npz, .safetensors, .pth, .pt).

    The file may be a checkpoint, published weights or plain arrays, as for `load`; the Report says what was taken over
    and what not.  MinissdError, and the model stays as it is, for a damaged file, and for one of another network: one
    whose first layer is not that of the model, so that nothing behind it would mean anything.
    """
    return _start(model, read_weights(path))


def _start(model, file):
    """Decide everything, then change the model."""
    arrays = model.params | model.buffers
    try:
        name, _, options = description(file)
        first, layout = next(iter(model.params)), layout_of(file, arrays)
        known = () if layout is None else layout.names.values()  # those of a published layout without the stage
        if name and first not in known and first.partition(".")[2] not in known:
            raise _another_network(layout, file, model)
        heads = name in (None, model.name) and _share_classes(layout, model) and may_bring_boxes(layout, model)
        matched, left_over = matched_names(model, file, layout, arrays, heads)
        values = {}
        for theirs, ours in matched.items():
            value = _taken_over(model, converted(file, layout, theirs, arrays[ours], ours), layout, arrays[ours], ours)
            if value is None:
                left_over[theirs] = "of another shape"
            else:
                values[ours] = finite_in(value, arrays[ours], theirs)
        if first not in values:
            raise _another_network(layout, file, model)
    except MinissdError as error:
        raise MinissdError(f"{file.path}: {error}") from None

    values |= pixels_of(layout, model)
    for ours, value in values.items():
        arrays[ours][...] = to_like(value, arrays[ours])
    if heads and layout.boxes is not None and model.task == "detect":
        model.set_boxes(layout.boxes)
    matched = {theirs: ours for theirs, ours in matched.items() if ours in values}
    left_over = {theirs: why for theirs, why in left_over.items() if not theirs.startswith(MOMENTUM)}
    untouched = tuple(ours for ours in arrays if ours not in values)
    notes = tuple(_notes(model, layout, options, heads))
    return Report(layout.name, model.name, matched, left_over, untouched, notes)


def _share_classes(layout, model):
    return layout is not None and not set(layout.classes or ()).isdisjoint(model.classes)


def _taken_over(model, array, layout, target, ours):
    """What the parameter or statistic `target` (..., D) becomes of an array (..., D') of theirs; None if nothing."""
    own = model.class_of_outputs(ours, len(model.classes), target.shape[-1])
    if own is None:
        return array if array.shape == target.shape else None
    theirs = model.class_of_outputs(ours, len(layout.classes), array.shape[-1])
    if theirs is None or array.shape[:-1] != target.shape[:-1]:
        return None
    value = np.array(to_numpy(target))
    pairs = [(-1, -1), *((layout.classes.index(c), k) for k, c in enumerate(model.classes) if c in layout.classes)]
    for label, to in pairs:
        outputs, places = np.flatnonzero(theirs == label), np.flatnonzero(own == to)
        if len(outputs) != len(places):  # another number of boxes in a cell
            return None
        value[..., places] = array[..., outputs]
    return value


def _another_network(layout, file, model):
    """The refusal of a file whose first layer is not that of the model: what it is of, and what was wanted."""
    name, _, options = description(file)
    theirs, ours = name or layout.name, model.name
    if theirs == ours:
        differing = {key for key, value in model.options.items() if options.get(key, value) != value} - {"dtype"}
        theirs, ours = (
            f"{ours} ({', '.join(f'{key} {of[key]}' for key in sorted(differing)) or of_version})"
            for of, of_version in ((options, "of another version"), (model.options, "as it is now"))
        )
    return MinissdError(
        f"holds {theirs}, and to be trained is {ours}, whose first layer is another: give weights of that"
    )


def _notes(model, layout, options, heads):
    """What a person wants to know beyond the names of layers."""
    known = layout.classes or ()
    if known != model.classes and known:
        kept = [name for name in model.classes if name in known] if heads else []
        new = [name for name in model.classes if name not in kept]
        kept, new = some(kept) or "none", some(new) or "none"
        yield f"classes of the file: {some(known)}; of these kept: {kept}; drawn anew: {new}"
    if "input_size" in options and options["input_size"] != model.input_size:
        yield f"trained at {options['input_size']} pixels, now {model.input_size}"
