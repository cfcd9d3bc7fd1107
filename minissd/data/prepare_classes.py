"""From an image with a label, or a number, to what a network trains on: a square image and that label or number."""

from dataclasses import replace
from typing import Any

import numpy as np

from minissd.data.augmentation import Augmentation
from minissd.data.samples import Labelled, Measured
from minissd.data.view import resize_image, with_channels

_NO_BOXES = np.zeros((0, 4), np.float32)


class ClassificationPreparation:
    """Makes the training example of a classifier out of a `Labelled` image.

    size: S in pixels; augmentation: an `Augmentation` or `AffineAugmentation`, or None for a plain resize.
    channels: C of the network, to which grey and colour are converted (view.with_channels); None keeps those there are.

    An augmentation does what it does to a picture without objects: any patch, mirror, flip, colours.  The
    label is of the picture as a whole, so a patch must show some of it: there is no expansion, and every
    patch lies inside.
    """

    def __init__(self, size: int, augmentation: Any = None, channels: int | None = None):
        self.size, self.channels = size, channels
        if isinstance(augmentation, Augmentation):
            augmentation = replace(augmentation, expansion=1.0)
        self.augmentation = augmentation

    def __call__(self, sample: Labelled, rng: np.random.Generator) -> tuple[np.ndarray, np.int64]:
        """-> image (S, S, C) uint8, label () int64."""
        image = with_channels(sample.image, self.channels or sample.image.shape[2])
        if self.augmentation is None:
            image = resize_image(image, self.size)
        else:
            image = self.augmentation.look(_NO_BOXES, rng).pixels(image, self.size)
        return image, np.int64(sample.label)


class RegressionPreparation:
    """Makes the training example of a regression out of a `Measured` image; size: S in pixels.

    There is no augmentation: a picture that is turned or cut would need another number.
    """

    def __init__(self, size: int):
        self.size = size

    def __call__(self, sample: Measured, rng: np.random.Generator) -> tuple[np.ndarray, np.float32]:
        """-> image (S, S, C) uint8, value () float32."""
        return resize_image(sample.image, self.size), np.float32(sample.value)
