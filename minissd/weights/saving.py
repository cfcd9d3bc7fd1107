"""Writing the weights of a model: one safetensors file, under our own names."""

from pathlib import Path

import numpy as np
import safetensors.numpy

from minissd.device import to_numpy
from minissd.errors import MinissdError
from minissd.files import write_atomically
from minissd.models import Network
from minissd.weights.ours import FORMAT, describe


def save(model: Network, path: str | Path) -> None:
    """Write parameters and buffers, whole or not at all, with what `load_model` needs to make the model again.

    Raises MinissdError if the path does not end with .safetensors or cannot be written, or a number is not finite.
    """
    if Path(path).suffix.lower() != ".safetensors":
        raise MinissdError(f"{path}: weights are written as safetensors: give a path that ends with .safetensors")
    tensors = {name: np.ascontiguousarray(to_numpy(array)) for name, array in (model.params | model.buffers).items()}
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise MinissdError(f"{name} of {model.name} is not finite: not saved to {path}")
    data = safetensors.numpy.save(tensors, {"format": FORMAT, **describe(model)})
    write_atomically(path, lambda file: file.write(data))
