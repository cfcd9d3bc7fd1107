"""Small sets of digits in IDX files."""

import gzip
from struct import pack

import numpy as np


def idx(array, magic=None):
    """The bytes of an IDX file of a uint8 array; magic: another number than the right one."""
    magic = 0x800 + array.ndim if magic is None else magic
    return pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def write(path, content):
    """Write bytes, packed if the path ends with .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_digits(root, train=24, test=10, suffix=".gz", side=28):
    """A folder like MNIST's: in image i of both parts every pixel is i, and its digit is i modulo 10."""
    for start, count in (("train", train), ("t10k", test)):
        numbers = np.arange(count, dtype=np.uint8)
        write(root / f"{start}-images-idx3-ubyte{suffix}", idx(np.tile(numbers[:, None, None], (1, side, side))))
        write(root / f"{start}-labels-idx1-ubyte{suffix}", idx(numbers % 10))
    return root
