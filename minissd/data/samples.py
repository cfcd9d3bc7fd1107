"""What every dataset hands out, and what all datasets check alike.

A dataset is any object with

    name       a word for messages and file names
    classes    tuple of names without background; labels count from 0 in this order
    ids        list of strings, one per image
    notes      list of one-line remarks on the data: what was dropped, clipped, left out, and how often
    len(dataset), dataset[i] -> Sample, dataset.objects(i) -> Objects (the annotation alone, no image is read)
"""

from typing import NamedTuple

import numpy as np

from minissd.detection import Objects
from minissd.errors import MinissdError


class Sample(NamedTuple):
    """One annotated image of G objects.  Corners are continuous edges, normalised to the image."""

    id: str
    image: np.ndarray  # (H, W, 3) uint8, RGB
    corners: np.ndarray  # (G, 4) float32
    labels: np.ndarray  # (G,) int64, 0..C-1
    difficult: np.ndarray  # (G,) bool

    @property
    def objects(self):
        """The annotation without the image."""
        return Objects(self.corners, self.labels, self.difficult)


def choose_classes(wanted, known, where):
    """The class names to use, in order: those `wanted`, or all `known` ones.

    Raises MinissdError if there are none or a wanted one is not known; `where` is the dataset's name in it.
    """
    if not known:
        raise MinissdError(f"{where}: no annotation names any object, so there is nothing to learn")
    if wanted is None:
        return tuple(known)
    wanted = tuple(dict.fromkeys(wanted))  # without repetitions, order kept
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        asked = f"class {unknown[0]!r} is not known" if unknown else "the list of classes is empty"
        raise MinissdError(f"{where}: {asked}; there are {', '.join(known)}")
    return wanted


def check_limit(limit):
    """Raises MinissdError unless `limit` is None (no limit) or at least one image."""
    if limit is not None and limit < 1:
        raise MinissdError(f"a limit of {limit} leaves no image: give 1 or more, or no limit at all")
