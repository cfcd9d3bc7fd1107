"""MNIST: handwritten digits in IDX files, as they are downloaded (.gz) or unpacked.

    ROOT/train-images-idx3-ubyte[.gz], train-labels-idx1-ubyte[.gz]    60,000 digits
    ROOT/t10k-images-idx3-ubyte[.gz], t10k-labels-idx1-ubyte[.gz]      10,000 digits

An IDX file begins with a magic number (8, the code of unsigned bytes, times 256, plus the number of axes) and the
length of each axis, in big-endian words of four bytes; then come the bytes, the last axis fastest.

`test` is what t10k holds and `trainval` all of the training files.  A run that watched its score on `test` would have
chosen by it, so the last twelfth of the training files, 5,000 digits, is `val`, and `train` is the rest, 55,000.
"""

import gzip
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from struct import unpack

import numpy as np

from minissd.data.samples import Labelled, check_limit, choose_classes
from minissd.errors import MinissdError

DIGITS = tuple("0123456789")
VAL_PART = 12  # one in twelve
_FILES = {"train": "train", "val": "train", "trainval": "train", "test": "t10k"}  # split -> how its files begin
_KINDS = {3: "images", 1: "labels"}  # axes -> what an IDX file of so many axes holds here
_GZIP_MAGIC = b"\x1f\x8b"
_LARGEST = 1 << 31  # bytes; what claims more is no set of digits


class Mnist:
    """One split of MNIST, or of a set in the same files (see samples.py for what a dataset offers).

    root: the folder; split: train, val, trainval or test; classes: the digits to use as strings, in the order of
    their labels, None for all ten; others are left out.  limit: at most so many images, the first.

    All is read here, 47 MB of pixels.  Raises MinissdError for a file that is missing, damaged, no IDX file, or does
    not fit its companion.
    """

    task = "classify"

    def __init__(self, root: str | Path, split: str, classes: Sequence[str] | None = None, limit: int | None = None):
        check_limit(limit)
        self.root = Path(root)
        self.name = self.root.resolve().name
        self.notes: list[str] = []
        if split not in _FILES:
            raise MinissdError(f"{self.root} has no split {split!r}; there are {', '.join(_FILES)}")
        self.classes = choose_classes(classes, DIGITS, self.root)
        images, digits = _read_pair(self.root, _FILES[split])
        part = _part_of(split, len(images))
        label_of = np.full(len(DIGITS), -1)
        label_of[[DIGITS.index(name) for name in self.classes]] = range(len(self.classes))
        places = np.arange(len(images))[part]
        places = places[label_of[digits[part]] >= 0][:limit]
        if not len(places):
            raise MinissdError(f"{self.root}, split {split}: no image shows any of {', '.join(self.classes)}")
        self.images = images[places][..., None]  # (N, H, W, 1) uint8
        self.labels = label_of[digits[places]].astype(np.int64)
        self.ids = [f"{_FILES[split]}-{place:05d}" for place in places]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Labelled:
        """The Labelled image at a position: (H, W, 1), white on black."""
        return Labelled(self.ids[index], self.images[index], int(self.labels[index]))


def is_mnist(root):
    """Whether a folder holds one of the four files: what is amiss with the others, Mnist will say."""
    return root.is_dir() and any(
        (root / name).is_file() for start in set(_FILES.values()) for axes in _KINDS for name in _names(start, axes)
    )


def read_idx(path: str | Path, axes: int) -> np.ndarray:
    """The array in an IDX file of unsigned bytes, .gz or plain, which has to have so many axes."""
    path = Path(path)
    try:
        with open(path, "rb") as plain:
            packed = plain.read(2) == _GZIP_MAGIC  # the content tells, whatever the file is called
        with gzip.open(path) if packed else open(path, "rb") as file:
            header = file.read(4 + 4 * axes)
            shape = _shape(header, axes, path)
            content = file.read(prod(shape) + 1)  # a byte too many would show
    except (OSError, EOFError, zlib.error) as error:
        raise MinissdError(f"{path} cannot be read ({error}): fetch it again") from None
    if len(content) != prod(shape):
        there = "more" if len(content) > prod(shape) else f"{len(content)}"
        claimed = "x".join(map(str, shape))
        raise MinissdError(f"{path} claims {claimed} bytes and holds {there}: it is damaged, fetch it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _shape(header, axes, path):
    """The lengths of the axes that a header gives, if it is of the right kind."""
    if len(header) < 4 + 4 * axes:
        raise MinissdError(f"{path} is cut short: {len(header)} bytes are less than the header of an IDX file")
    magic, *shape = unpack(f">{1 + axes}I", header)
    expected = 0x800 + axes
    if magic != expected:
        raise MinissdError(
            f"{path} begins with {magic}, and IDX files of {_KINDS[axes]} with {expected}: it is another kind of file"
        )
    if prod(shape) > _LARGEST:
        raise MinissdError(f"{path} claims {' x '.join(map(str, shape))} bytes: it is damaged, fetch it again")
    return shape


def _read_pair(root, start):
    """images (N, H, W) and labels (N,), uint8, that belong together."""
    paths = {kind: _find(root, start, axes) for axes, kind in _KINDS.items()}
    images, labels = (read_idx(paths[kind], axes) for axes, kind in _KINDS.items())
    if len(images) != len(labels):
        raise MinissdError(
            f"{paths['images']} holds {len(images)} images and {paths['labels']} {len(labels)} labels: "
            "they do not belong together, fetch both again"
        )
    if images.size == 0:
        raise MinissdError(f"{paths['images']} holds no image")
    if labels.max() >= len(DIGITS):
        first = int(np.argmax(labels >= len(DIGITS)))
        raise MinissdError(f"{paths['labels']}: label number {first} is {labels[first]}, digits are 0 to 9")
    return images, labels


def _find(root, start, axes):
    for name in _names(start, axes):
        if (root / name).is_file():
            return root / name
    raise MinissdError(f"{root} has no {_names(start, axes)[0]}[.gz], the {_KINDS[axes]} of its {start} files")


def _names(start, axes):
    """How a file may be called: some unpack train-images-idx3-ubyte.gz to train-images.idx3-ubyte."""
    stems = [f"{start}-{_KINDS[axes]}{dash}idx{axes}-ubyte" for dash in "-."]
    return [stem + suffix for stem in stems for suffix in ("", ".gz")]


def _part_of(split, count):
    """The slice of its files that a split takes."""
    cut = count - count // VAL_PART
    return {"train": slice(0, cut), "val": slice(cut, count)}.get(split, slice(0, count))
