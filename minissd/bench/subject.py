"""The networks that are measured, and the pictures they are measured on."""

from dataclasses import dataclass, field

import numpy as np

from minissd.data import DetectionPreparation, Loader, ShapesDataset
from minissd.models import build

SHAPES = ("ellipse", "rectangle", "triangle")  # seen in the pictures, whatever the classes are called


@dataclass(frozen=True)
class Subject:
    """A detector by name: what a fresh process needs to build the same one, with the same numbers in it."""

    name: str
    classes: int
    options: dict = field(default_factory=dict)

    def model(self, device="cpu"):
        classes = [f"class {i}" for i in range(self.classes)]
        return build(self.name, classes=classes, device=device, **self.options)


def pictures(count, size):
    """(N, S, S, 3) uint8: generated pictures."""
    dataset = ShapesDataset(count, size=size)
    return np.stack([dataset[i].image for i in range(count)])


def training_batch(model, count):
    """A Batch of generated pictures with the model's targets."""
    size = model.input_size
    prepare = DetectionPreparation(model.targets, size)
    dataset = ShapesDataset(count, size=size, classes=SHAPES)
    return next(Loader(dataset, prepare, count, workers=0).epoch(0))
