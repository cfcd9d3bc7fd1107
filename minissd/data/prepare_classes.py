"""From a labelled image to what a classifier trains on: a square image and its label."""

from dataclasses import replace

import numpy as np

from minissd.data.augmentation import augment
from minissd.data.samples import Sample
from minissd.data.view import resize_image

_NO_OBJECTS = (np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, bool))


class ClassificationPreparation:
    """Makes the training example of a classifier out of a `Labelled` image.

    size: S in pixels; augmentation: an `Augmentation`, or None for a plain resize.

    An augmentation does what it does to a picture without objects: any patch, mirror, flip, colours.  The
    label is of the picture as a whole, so a patch must show some of it: there is no expansion, and every
    patch lies inside.  A picture of one channel has no colours to change: give it an augmentation whose
    `photometric` is None.
    """

    def __init__(self, size, augmentation=None):
        self.size = size
        self.augmentation = augmentation and replace(augmentation, expansion=1.0)

    def __call__(self, sample, rng):
        """-> image (S, S, C) uint8, label () int64."""
        if self.augmentation is None:
            image = resize_image(sample.image, self.size)
        else:
            image = augment(Sample(sample.id, sample.image, *_NO_OBJECTS), self.size, self.augmentation, rng).image
        return image, np.int64(sample.label)
