"""Some of the images of a data set, as a data set of their own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minissd.data.samples import extents_of
from minissd.detection import Objects
from minissd.metrics.coco import Extents


class Subset:
    """The images of `dataset` at `places`, in that order (see samples.py for what a dataset offers)."""

    def __init__(self, dataset: Any, places: Sequence[int]):
        self._dataset, self._places = dataset, list(places)
        self.task, self.name, self.classes = dataset.task, dataset.name, dataset.classes
        self.notes = dataset.notes
        self.ids = [dataset.ids[place] for place in self._places]
        for name in ("labels", "values"):  # (N,), of those data sets that have them
            if hasattr(dataset, name):
                setattr(self, name, np.asarray(getattr(dataset, name))[self._places])
        for name in ("quantity", "origin"):
            if hasattr(dataset, name):
                setattr(self, name, getattr(dataset, name))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Any:
        return self._dataset[self._places[index]]

    def objects(self, index: int) -> Objects:
        """The Objects at a position, without reading the image."""
        return self._dataset.objects(self._places[index])

    def extents(self, index: int) -> Extents:
        """The Extents of the objects at a position."""
        return extents_of(self._dataset, self._places[index])

    def mask(self, index: int) -> np.ndarray:
        """The mask at a position, (H, W) uint8."""
        return self._dataset.mask(self._places[index])

    def image_path(self, index: int) -> Path:
        """The image file at a position, to be read at full size."""
        return self._dataset.image_path(self._places[index])
