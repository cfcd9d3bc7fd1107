"""Tensors as PyTorch writes them: a storage of numbers in a row, and how a tensor lies in it.

Entry (i, j, ...) of a tensor is number offset + i * strides[0] + j * strides[1] + ... of its storage; several tensors
may share one.  A file is free to say anything, so nothing here is taken on trust.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from minissd.errors import MinissdError

BFLOAT16 = "bfloat16"  # the upper half of a float32; NumPy has no such type
ELEMENTS = {  # the class of a storage -> what it consists of
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": BFLOAT16,
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


class Elements(NamedTuple):
    """What the numbers of a storage are: a NumPy type, or BFLOAT16."""

    code: str

    @property
    def size(self):
        """Bytes of one number."""
        return 2 if self.code == BFLOAT16 else np.dtype(self.code).itemsize


class Storage(NamedTuple):
    """`length` numbers from `start` on, out of the `numel` that the file holds under `key`."""

    key: str
    elements: Elements
    numel: int
    start: int
    length: int

    @property
    def nbytes(self):
        """Bytes that the file holds under the key."""
        return self.numel * self.elements.size


class Tensor(NamedTuple):
    """Where a tensor lies in its storage; nothing is read yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def new_storage(key, elements, numel, view=None):
    """view: None, or (name, start, count) in files of 2017, when a storage could be a part of another."""
    start, count = (0, numel) if view is None else view[1:]
    if not _are_counts(numel, start, count) or start + count > numel:
        raise MinissdError("damaged (a storage is described as what it cannot be): use another file")
    return Storage(key, elements, numel, start, count)


def new_tensor(storage, offset, shape, strides):
    """Raises MinissdError if the tensor would have more numbers than its storage, or reach out of it."""
    sound = isinstance(storage, Storage) and len(shape) == len(strides) and _are_counts(offset, *shape, *strides)
    if not sound or prod(shape) > storage.length or _end(offset, shape, strides) > storage.length:
        raise MinissdError("damaged (a tensor reaches out of its storage): use another file")
    return Tensor(storage, storage.start + offset, tuple(shape), tuple(strides))


def numbers(storage, raw):
    """The whole storage from its bytes as a 1-d array; bfloat16 becomes float32."""
    if storage.elements.code != BFLOAT16:
        return np.frombuffer(raw, storage.elements.code)
    return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)


def as_array(tensor, values):
    """The tensor as a view of the numbers of its storage."""
    if 0 in tensor.shape:
        return np.empty(tensor.shape, values.dtype)  # its offset may be anything
    used = zip(tensor.shape, tensor.strides, strict=True)
    strides = [stride * values.itemsize if size > 1 else 0 for size, stride in used]
    return np.ndarray(tensor.shape, values.dtype, values, tensor.offset * values.itemsize, strides)


def _are_counts(*values):
    return all(type(value) is int and value >= 0 for value in values)


def _end(offset, shape, strides):
    """One past the last number that a tensor touches."""
    if 0 in shape:
        return 0
    return offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True)) + 1
