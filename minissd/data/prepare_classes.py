"""From an image with a label, or a number, to what a network trains on: a square image and that label or number."""

from dataclasses import replace

import numpy as np

from minissd.data.augmentation import Augmentation
from minissd.data.view import resize_image

_NO_BOXES = np.zeros((0, 4), np.float32)


class ClassificationPreparation:
    """Makes the training example of a classifier out of a `Labelled` image.

    size: S in pixels; augmentation: an `Augmentation` or `AffineAugmentation`, or None for a plain resize.

    An augmentation does what it does to a picture without objects: any patch, mirror, flip, colours.  The
    label is of the picture as a whole, so a patch must show some of it: there is no expansion, and every
    patch lies inside.
    """

    def __init__(self, size, augmentation=None):
        self.size = size
        self.augmentation = self.suited(augmentation) if isinstance(augmentation, Augmentation) else augmentation

    def __call__(self, sample, rng):
        """-> image (S, S, C) uint8, label () int64."""
        if self.augmentation is None:
            image = resize_image(sample.image, self.size)
        else:
            image = self.augmentation.look(_NO_BOXES, rng).pixels(sample.image, self.size)
        return image, self.target(sample)

    @staticmethod
    def suited(augmentation):
        return replace(augmentation, expansion=1.0)

    @staticmethod
    def target(sample):
        return np.int64(sample.label)


class RegressionPreparation(ClassificationPreparation):
    """Makes the training example of a regression out of a `Measured` image -> image, value () float32.

    The number is of the whole picture: nothing is cut off, so of an `Augmentation` swaps and colours are left.
    """

    @staticmethod
    def suited(augmentation):
        return replace(augmentation, expansion=1.0, patches=())

    @staticmethod
    def target(sample):
        return np.float32(sample.value)
