"""NumPy's .npz: a zip archive with one .npy file for each array.

The headers are read here, not by `numpy.load`: it makes room for whatever a header promises before it looks at the
data.  A header is the text of a Python dictionary, always with the same keys in the same order, so a pattern is enough.
"""

import re
import struct
import zipfile
from math import prod

import numpy as np

from minissd.errors import MinissdError

LARGEST_CONTENT = 2 << 30  # bytes of all arrays together: a VGG16 with all its layers in float64 has 1.1e9
_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(r"\{'descr': '([<>|=]?\w+)', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \}\s*")


def read_npz(path):
    """name -> array, and no metadata.  Raises MinissdError, without the path, for anything but plain arrays."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        content = sum(entry.file_size for entry in entries)
        if content > LARGEST_CONTENT:
            raise MinissdError(
                f"unpacks to {content:,} bytes, more than the {LARGEST_CONTENT:,} of any weights known here: "
                "use another file"
            )
        return {entry.filename.removesuffix(".npy"): _read_entry(archive, entry) for entry in entries}, {}


def _read_entry(archive, entry):
    name = repr(entry.filename[:80])
    with archive.open(entry) as file:
        dtype, shape, order = _read_header(name, file)
        data = file.read(entry.file_size)
    if len(data) != prod(shape) * dtype.itemsize:
        raise MinissdError(f"{name} holds {len(data):,} bytes, but its header says otherwise: use another file")
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _read_header(name, file):
    """(dtype, shape, order) of the .npy file that begins here; it is left at the first number."""
    start = file.read(8)
    if start[:6] != _MAGIC or len(start) < 8:
        raise MinissdError(f"{name} is not a NumPy array: give a file that numpy.savez wrote")
    length_format = "<H" if start[6] == 1 else "<I"  # the major version of the format
    (length,) = struct.unpack(length_format, file.read(struct.calcsize(length_format)))
    match = _HEADER.fullmatch(file.read(length).decode("latin-1"))
    dtype = _plain_dtype(match[1]) if match else None
    if dtype is None:
        raise MinissdError(f"{name} is no plain array of numbers, and objects are not read: save numbers only")
    return dtype, tuple(int(n) for n in match[3].split(",") if n.strip()), "F" if match[2] == "True" else "C"


def _plain_dtype(text):
    """The dtype if it is one of numbers, else None."""
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError, SyntaxError):  # the last: NumPy parses what it does not know
        return None
    return dtype if dtype.kind in "fiub" else None
