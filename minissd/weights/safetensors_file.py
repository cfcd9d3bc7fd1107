"""safetensors: a JSON header and raw numbers.  The format of minissd's checkpoints."""

import safetensors

from minissd.errors import MinissdError


def read_safetensors(path):
    """(name -> array, metadata).  Raises MinissdError, without the path, for a damaged file."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            require_numpy_types(tensors)
            return tensors, file.metadata() or {}
    except safetensors.SafetensorError as error:
        reason = str(error).splitlines()[0]
        raise MinissdError(f"not a safetensors file, or a damaged one ({reason}): use another one") from None
    except (TypeError, AttributeError) as error:
        raise MinissdError(f"holds numbers that NumPy does not know ({error}): save them as float32") from None


def require_numpy_types(tensors):
    """TypeError for numbers that NumPy itself does not know, as bfloat16, which ml_dtypes adds if installed."""
    for array in tensors.values():
        if array.dtype.isbuiltin == 2:  # registered by another package
            raise TypeError(f"data type {array.dtype.name!r} not understood")
