"""Files as torch.save writes them since PyTorch 1.6, written without PyTorch, for `torch.load(weights_only=True)`.

A zip archive, not compressed: data.pkl, a pickle that describes the tensors, and data/0, data/1, ..., the numbers of
each.  The pickle is a program for a stack machine (see torch_pickle.py), which is spelled out here:

    OrderedDict()                               a new dictionary; then for each tensor
        name
        _rebuild_tensor_v2(storage i, offset 0, shape, strides, no gradient, no hooks)
    put all pairs into the dictionary
"""

import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minissd.files import write_atomically
from minissd.weights.torch_file import DESCRIPTION
from minissd.weights.torch_tensors import ELEMENTS

# The instructions, named as in `pickletools`
PROTO_2, STOP, MARK, TUPLE, EMPTY_TUPLE = b"\x80\x02", b".", b"(", b"t", b")"
GLOBAL, REDUCE, BINPERSID, SETITEMS = b"c", b"R", b"Q", b"u"
BINUNICODE, BININT, NEWFALSE = b"X", b"J", b"\x89"

_STORAGES = {np.dtype(code): name for name, code in ELEMENTS.items() if code != "bfloat16"}
_DAY = (1980, 1, 1, 0, 0, 0)  # of all entries, so that the same weights make the same file


def write_torch(path: str | Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write name -> array as a state_dict, whole or not at all; metadata are for `read_torch`."""
    arrays = {name: np.array(array, order="C") for name, array in tensors.items()}
    parts = {"data.pkl": pickled(arrays), "byteorder": b"little", "version": b"3\n"}
    parts[DESCRIPTION] = json.dumps(dict(metadata)).encode()
    parts |= {f"data/{i}": as_written(array).tobytes() for i, array in enumerate(arrays.values())}

    def write(file):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, content in parts.items():
                archive.writestr(zipfile.ZipInfo(f"archive/{name}", _DAY), content)

    write_atomically(path, write)


def pickled(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The pickle of an OrderedDict name -> tensor, the i-th of which has storage i."""
    items = b"".join(text(name) + tensor(i, array) for i, (name, array) in enumerate(arrays.items()))
    return PROTO_2 + ORDERED_DICT + MARK + items + SETITEMS + STOP


def tensor(key: int, array: np.ndarray) -> bytes:
    """The instructions that leave a tensor on the stack."""
    steps = [step // array.itemsize for step in array.strides]
    elements = function("torch", _STORAGES[as_written(array).dtype])
    storage = tuple_of(text("storage"), elements, text(str(key)), text("cpu"), integer(array.size)) + BINPERSID
    shape, strides = (tuple_of(*map(integer, numbers)) for numbers in (array.shape, steps))
    arguments = tuple_of(storage, integer(0), shape, strides, NEWFALSE, ORDERED_DICT)
    return function("torch._utils", "_rebuild_tensor_v2") + arguments + REDUCE


def as_written(array: np.ndarray) -> np.ndarray:
    """The array with the lower byte of each number first."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def function(module: str, name: str) -> bytes:
    return GLOBAL + f"{module}\n{name}\n".encode()


def tuple_of(*values: bytes) -> bytes:
    return MARK + b"".join(values) + TUPLE


def text(value: str) -> bytes:
    letters = value.encode()
    return BINUNICODE + struct.pack("<I", len(letters)) + letters


def integer(value: int) -> bytes:
    return BININT + struct.pack("<i", value)


ORDERED_DICT = function("collections", "OrderedDict") + EMPTY_TUPLE + REDUCE
