"""The same picture in several files of a data set: copies pixel for pixel, and scaled or retouched ones.

Each image gets a fingerprint of a few hundred bytes, and fingerprints are compared pair by pair:

- a digest of its size and its pixels, as they are decoded for training: equal for exact copies;
- a difference hash: of the image as 16 x 17 grey cells, which cells are clearly brighter than their left neighbour.
  Scaling, compression and brightness hardly change it.  Two images are nearly the same if the bits in which their
  hashes differ are at most `MOST_DIFFERENT` of those that are set in either, counted in both, and if their colours on
  a grid of 8 x 8 differ by at most `COLOUR_DISTANCE` on average.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from PIL import Image

SIDE = 16  # cells of the hash down and across
BRIGHTER = 2  # grey levels of 255: by more than that a cell is clearly brighter
# Of 5.4 million pairs of different photographs (VOC 2012's animals) none is below 0.24; copies that were scaled or
# compressed again are below 0.05, one with a caption at 0.06, two views of one blood smear at 0.11.
MOST_DIFFERENT = 0.15
COLOUR_DISTANCE = 25  # of 255
_ROWS = 512  # images that are compared with all others at a time


class Fingerprint(NamedTuple):
    """What is kept of an image to compare it with others."""

    digest: bytes  # 16
    hash: np.ndarray  # (SIDE * SIDE,) bool
    colours: np.ndarray  # (8 * 8 * 3,) uint8


class Copies(NamedTuple):
    """Images that show the same picture."""

    images: list[int]  # as the fingerprints are numbered, ascending
    exact: bool  # pixel for pixel


def fingerprint(image: np.ndarray) -> Fingerprint:
    """The `Fingerprint` of an image (H, W, 3) or (H, W, 1) uint8."""
    digest = blake2b(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes(), digest_size=16).digest()
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    cells = np.asarray(picture.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX), np.int16)
    colours = np.asarray(picture.convert("RGB").resize((8, 8), Image.Resampling.BOX))
    return Fingerprint(digest, (cells[:, 1:] - cells[:, :-1] > BRIGHTER).ravel(), colours.ravel())


def find_copies(
    prints: Mapping[int, Fingerprint], report: Callable[[int, int], None] | None = None, exact: bool = False
) -> list[Copies]:
    """The groups of images that show the same picture, of the fingerprints of numbered images.

    exact: pixel for pixel alone, for small pictures such as digits: of those, different ones are nearly the same.
    An image belongs to a group if it is a copy of any other one in it.  report(done, total): called now and then.
    """
    leads = {image: image for image in prints}  # to another image of its group; the first leads to itself

    def first_of(image):
        while leads[image] != image:
            leads[image] = image = leads[leads[image]]
        return image

    for one, other in _equal_pairs(prints) if exact else _pairs(prints, report):
        low, high = sorted((first_of(one), first_of(other)))
        leads[high] = low
    groups: dict[int, list[int]] = {}
    for image in sorted(prints):
        groups.setdefault(first_of(image), []).append(image)
    several = (images for images in groups.values() if len(images) > 1)
    return [Copies(images, len({prints[image].digest for image in images}) == 1) for images in several]


def _equal_pairs(prints):
    """Yield pairs of images whose pixels are equal: each with the first of its group."""
    first = {}
    for image, one in prints.items():
        if first.setdefault(one.digest, image) != image:
            yield first[one.digest], image


def _pairs(prints, report):
    """Yield pairs of images that are copies of each other."""
    images, kept = list(prints), list(prints.values())
    if not images:
        return
    digests = np.unique([one.digest for one in kept], return_inverse=True)[1]  # (N,)
    hashes = np.array([one.hash for one in kept], np.float32)  # (N, bits)
    colours = np.array([one.colours for one in kept], np.int16)
    bits = hashes.sum(axis=1)  # (N,)
    for start in range(0, len(kept), _ROWS):
        rows = slice(start, start + _ROWS)
        together = bits[rows, None] + bits[start:]  # (rows, N - start)
        different = together - 2 * hashes[rows] @ hashes[start:].T
        alike = (different <= MOST_DIFFERENT * together) | (digests[rows, None] == digests[start:])
        for i, j in start + np.argwhere(np.triu(alike, 1)):
            if digests[i] == digests[j] or np.abs(colours[i] - colours[j]).mean() <= COLOUR_DISTANCE:
                yield images[i], images[j]
        if report:
            report(min(start + _ROWS, len(kept)), len(kept))
