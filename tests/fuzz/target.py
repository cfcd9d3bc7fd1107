"""What a row of the table of targets has, and what a data set must be like that was read from anything."""

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from fuzz.guard import Broken

from minissd.data import open_dataset

LOOKED_AT = 3  # images of a data set


class Target(NamedTuple):
    """prepared(folder): a context in which sound files lie there, and that gives the path of the one to be changed;
    mutate(rng, bytes) -> bytes; read(path, out): reads it, writes below `out` alone, raises `Broken` for what is not
    valid; quick: cases within the suite; names: what a refusal may name in place of the file and its
    folder; aside: the folder beside the file for a process that it may start."""

    name: str
    prepared: Callable[[Path], AbstractContextManager[Path]]
    mutate: Callable[[Any, bytes], bytes]
    read: Callable[[Path, Path], Any]
    quick: int = 25
    names: tuple[str, ...] = ()
    aside: str = ""


def sound(write):
    """`prepared` of a function(folder) -> path that writes sound files."""

    @contextmanager
    def prepared(folder):
        yield write(folder)

    return prepared


def opened(root, task="detect", split="train"):
    """Opens a data set and looks at it: `Broken` unless it is valid."""
    dataset = open_dataset(root, split, task=task)
    require(len(dataset) == len(dataset.ids) > 0 and dataset.classes, "empty")
    for i in range(min(len(dataset), LOOKED_AT)):
        if task == "detect":
            check_objects(dataset.objects(i), dataset.classes)
        sample = dataset[i]
        image = sample.image
        require(image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] in (1, 3) and image.size, "image")
        if task == "detect":
            check_objects(sample.objects, dataset.classes)
        elif task == "classify":
            require(0 <= sample.label < len(dataset.classes), "label")
        elif task == "segment":
            require(set(np.unique(sample.mask)) <= {*range(len(dataset.classes) + 1), 255}, "mask")
    for note in dataset.notes:
        require(isinstance(note, str), "note")


def check_objects(objects, classes):
    corners = objects.corners
    require(corners.shape == (len(objects.labels), 4) and np.isfinite(corners).all(), f"boxes {corners}")
    require(((corners >= 0) & (corners <= 1)).all(), f"boxes outside {corners}")
    require((corners[:, 2:] > corners[:, :2]).all(), f"boxes without extent {corners}")
    require(((objects.labels >= 0) & (objects.labels < len(classes))).all(), f"labels {objects.labels}")


def require(holds, what):
    if not holds:
        raise Broken(f"not valid: {what}")
