"""safetensors: a JSON header and raw numbers.  The format of minissd's checkpoints."""

import safetensors

from minissd.errors import MinissdError


def read_safetensors(path):
    """(name -> array, metadata).  Raises MinissdError, without the path, for a damaged file."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return tensors_in(file), file.metadata() or {}
    except safetensors.SafetensorError as error:
        reason = str(error).splitlines()[0]
        raise MinissdError(f"not a safetensors file, or a damaged one ({reason}): use another one") from None
    except (TypeError, AttributeError) as error:
        raise MinissdError(f"holds numbers that NumPy does not know ({error}): save them as float32") from None


def tensors_in(file):
    """{name: array} of an open file; TypeError for numbers that NumPy itself does not know, as bfloat16."""
    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    for array in tensors.values():
        if array.dtype.isbuiltin == 2:  # registered by another package, as ml_dtypes, where it is installed
            raise TypeError(f"data type {array.dtype.name!r} not understood")
    return tensors
