"""From a sample to what a network trains on: a square image and targets for its loss."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minissd.data.augmentation import augment, resize_sample
from minissd.data.samples import Sample


class DetectionPreparation:
    """Makes the training example of a detector out of a `Sample`; S the input size.

    targets: (corners (G, 4), labels (G,)) -> tuple of arrays, what the detector's loss compares with; size: S in
    pixels; augmentation: an `Augmentation`, or None for a plain resize, which is done as `resize_image` names it
    (a random look is always averaged).

    Objects marked `difficult` are learned like any other, as in the released SSD: leaving them out would
    teach the network that a real object is background.  Only evaluation passes over them.
    """

    def __init__(self, targets: Callable, size: int, augmentation: Any = None, resize: str = "antialiased"):
        self.targets = targets
        self.size = size
        self.augmentation = augmentation
        self.resize = resize

    def __call__(self, sample: Sample, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """-> image (S, S, 3) uint8, *targets."""
        if self.augmentation is None:
            seen = resize_sample(sample, self.size, self.resize)
        else:
            seen = augment(sample, self.size, self.augmentation, rng)
        return seen.image, *self.targets(seen.corners, seen.labels)
