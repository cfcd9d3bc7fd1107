"""Checkpoints: one safetensors file with everything a run needs to go on bit for bit, and no code.

Tensors are named "params/...", "buffers/..." (batch-norm statistics) and "velocity/..." (momentum); the metadata
say which model this is, for which classes, after which step, and with which settings (JSON).  The schedule, the
position in the epoch and all randomness follow from the step and the seed, so there is nothing else to keep.
"""

from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from minissd.device import Array, array_module, resolve_device, to_like, to_numpy
from minissd.errors import MinissdError
from minissd.files import parse_json, to_json, write_atomically
from minissd.models import Network, build
from minissd.models.freezing import trained_params
from minissd.weights.ours import describe, in_full, refuse_former, thresholds_in
from minissd.weights.safetensors_file import tensors_in

FORMAT = "minissd checkpoint 1"


class Checkpoint(NamedTuple):
    model: Any  # a `Network`, of the kind that `build` makes
    velocity: dict[str, Array]  # of the optimiser, on the model's device; empty if the file holds none
    step: int  # steps done
    settings: dict[str, Any]  # what the run wants to remember: its settings, its best mAP


def save_checkpoint(
    path: str | Path,
    model: Network,
    *,
    velocity: dict[str, Array] | None = None,
    step: int = 0,
    settings: dict[str, Any] | None = None,
) -> None:
    """Write the checkpoint whole or not at all.  Refuses parameters that are not finite."""
    tensors: dict[str, np.ndarray] = {}
    for kind, arrays in (("params", model.params), ("buffers", model.buffers), ("velocity", velocity or {})):
        tensors |= {f"{kind}/{name}": np.ascontiguousarray(to_numpy(array)) for name, array in arrays.items()}
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise MinissdError(f"{name} is not finite after step {step}: not saved to {path}; try a lower --lr")
    metadata = {
        "format": FORMAT,
        **describe(model),
        "step": str(step),
        "settings": to_json(settings or {}),
    }
    data = safetensors.numpy.save(tensors, metadata)
    write_atomically(path, lambda file: file.write(data))


def load_checkpoint(path: str | Path, *, device: str = "cpu") -> Checkpoint:
    """Rebuild the model a checkpoint holds.  MinissdError if the file is missing, damaged or something else."""
    device = resolve_device(device)
    metadata, tensors = _read(path)
    model, step, settings = _rebuild(path, metadata, device)
    velocity = {}
    if any(name.startswith("velocity/") for name in tensors):
        velocity = {name: array_module(p).zeros_like(p) for name, p in _trained(path, model, settings).items()}
    for kind, arrays in (("params", model.params), ("buffers", model.buffers), ("velocity", velocity)):
        _fill(path, kind, arrays, tensors)
    return Checkpoint(model, velocity, step, settings)


def _trained(path, model, settings):
    """The parameters that the run trains whose settings these are."""
    try:
        return trained_params(model, (settings.get("config") or {}).get("freeze"))
    except (MinissdError, AttributeError, TypeError) as error:
        raise MinissdError(f"{path}: its description is damaged ({error}): use another checkpoint") from None


def _read(path):
    """(metadata, tensors) of a safetensors file that says it is one of ours."""
    with _opened(path) as (file, metadata):
        return metadata, tensors_in(file)


def read_description(path):
    """(metadata, settings) of a checkpoint, without its tensors."""
    with _opened(path) as (_, metadata):
        try:
            settings = parse_json(metadata["settings"])
        except (KeyError, ValueError):
            settings = None
        if not _readable(settings):
            raise MinissdError(f"{path}: its description is damaged: use another checkpoint")
        return metadata, settings


def is_checkpoint(path: str | Path) -> bool:
    """Whether a file says that it is a checkpoint."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (SafetensorError, OSError):
        return False


@contextmanager
def _opened(path):
    """(the open file, its metadata) of a safetensors file that says it is one of ours."""
    if Path(path).is_dir():
        raise MinissdError(
            f"{path}: is a folder: give a .safetensors file in it that `minissd train` wrote; checkpoint_of(folder) "
            "is that with the best validation"
        )
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise MinissdError(
                    f"{path}: a safetensors file, but no minissd checkpoint: give one that `minissd train` wrote"
                )
            yield file, metadata
    except FileNotFoundError:
        raise MinissdError(f"{path}: no such checkpoint: give a .safetensors file that `minissd train` wrote") from None
    except (SafetensorError, OSError, TypeError, AttributeError) as error:  # the last two: a dtype that NumPy lacks
        reason = str(error).splitlines()[0]
        raise MinissdError(f"{path}: not a checkpoint, or a damaged one ({reason}): use another one") from None


def _readable(settings):
    """Whether settings are such as a run of ours remembers."""
    kinds = {"config": dict, "images": dict, "loss_scale": dict, "best": int | float, "waited": int}
    return isinstance(settings, dict) and all(isinstance(settings.get(key), kinds[key] | None) for key in kinds)


def _rebuild(path, metadata, device):
    """(model, step, settings) as the metadata describe them; the model is as `build` makes it."""
    try:
        classes, options = parse_json(metadata["classes"]), parse_json(metadata["options"])
        step, settings = int(metadata["step"]), parse_json(metadata["settings"])
        names_given = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
        if not names_given or step < 0 or not _readable(settings):
            raise ValueError
        refuse_former(metadata["model"], options)
        options = in_full(metadata["model"], options)
        model = build(metadata["model"], classes=classes, device=device, **options)
        if model.options != options:
            raise ValueError
        if model.task == "detect":
            model.thresholds = thresholds_in(metadata, model.classes)
        return model, step, settings
    except MinissdError as error:
        raise MinissdError(f"{path}: {error}") from None
    except (KeyError, ValueError, TypeError):
        raise MinissdError(f"{path}: its description is damaged: use another checkpoint") from None


def _fill(path, kind, arrays, tensors):
    """Copy the tensors into the model's own arrays; names, shapes and dtypes must be those of the model."""
    prefix = f"{kind}/"
    stored = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    if stored.keys() != arrays.keys():
        name = min(stored.keys() ^ arrays.keys())
        raise MinissdError(
            f"{path}: does not fit its model ({kind} {name!r} is on one side only): use another checkpoint"
        )
    for name, array in arrays.items():
        tensor = stored[name]
        if (tensor.shape, tensor.dtype) != (array.shape, array.dtype):
            raise MinissdError(
                f"{path}: {kind} {name!r} is {tensor.shape} {tensor.dtype}, the model has {array.shape} "
                f"{array.dtype}: use another checkpoint"
            )
        array[...] = to_like(tensor, array)
