"""From a sample to what a network trains on: a square image and the targets of its default boxes."""

from minissd.backend import to_numpy
from minissd.data.augmentation import augment, resize_sample
from minissd.detection import match


class DetectionPreparation:
    """Makes the training example of an SSD out of a `Sample`; P default boxes, S the input size.

    default_boxes: (P, 4) centers; size: S in pixels; augmentation: an `Augmentation`, or None for a plain
    resize; threshold: the overlap above which a default box answers for an object.

    Objects marked `difficult` are learned like any other, as in the released SSD: leaving them out would
    teach the network that a real object is background.  Only evaluation passes over them.
    """

    def __init__(self, default_boxes, size, augmentation=None, threshold=0.5):
        self.default_boxes = to_numpy(default_boxes)
        self.size = size
        self.augmentation = augmentation
        self.threshold = threshold

    def __call__(self, sample, rng):
        """-> image (S, S, 3) uint8, class_targets (P,) int64 with 0 = background, offset_targets (P, 4)."""
        if self.augmentation is None:
            seen = resize_sample(sample, self.size)
        else:
            seen = augment(sample, self.size, self.augmentation, rng)
        return seen.image, *match(seen.corners, seen.labels, self.default_boxes, self.threshold)
