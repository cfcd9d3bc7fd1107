"""One door to all formats: name -> array from a file, by its suffix."""

import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minissd.errors import MinissdError
from minissd.weights.npz import read_npz
from minissd.weights.safetensors_file import read_safetensors
from minissd.weights.torch_file import read_torch

READERS = {".npz": read_npz, ".safetensors": read_safetensors, ".pth": read_torch, ".pt": read_torch}
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError)


class WeightsFile(NamedTuple):
    """What a file holds, under the names it has there."""

    path: Path
    tensors: dict[str, np.ndarray]
    metadata: dict[str, str]  # of a safetensors file; else empty


def read_weights(path: str | Path) -> WeightsFile:
    """The WeightsFile at `path`.  Raises MinissdError if it is missing, damaged, or holds more than numbers."""
    path = Path(path)
    if path.is_dir() or path.suffix.lower() not in READERS:
        kinds = ", ".join(READERS)
        what = "is a folder" if path.is_dir() else "has no suffix of a weights file"
        raise MinissdError(f"{path}: {what}: give one that ends with {kinds}")
    try:
        tensors, metadata = READERS[path.suffix.lower()](path)
        if not all(name.isprintable() for name in tensors):
            raise MinissdError("has names with characters that cannot be printed: use another file")
        return WeightsFile(path, tensors, metadata)
    except FileNotFoundError:
        raise MinissdError(f"{path}: no such file: give the path of a weights file") from None
    except OSError as error:
        raise MinissdError(f"{path}: cannot be read ({error.strerror or error}): use another file") from None
    except _DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise MinissdError(f"{path}: damaged or cut short ({reason}): fetch or save it again") from None
    except MinissdError as error:
        raise MinissdError(f"{path}: {error}") from None
