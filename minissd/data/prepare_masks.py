"""From an image with a mask to what a U-Net trains on, a square of each; and from its answer to a mask."""

from typing import Any

import numpy as np

from minissd.data.images import crop_and_resize
from minissd.data.samples import Masked
from minissd.data.view import WHOLE, resize_image, view_mask
from minissd.metrics.segmentation import VOID, mask_from

_NO_BOXES = np.zeros((0, 4), np.float32)


class SegmentationPreparation:
    """Makes the training example of a segmentation out of a `Masked` image.

    size: S in pixels; augmentation: an `Augmentation`, an `AffineAugmentation`, or None for a plain resize.

    An augmentation looks at image and mask in one and the same way, whatever it crops, mirrors, turns or shifts;
    colours change in the image alone.  Any patch will do, there are no boxes to overlap; what lies beside the picture
    is void in the mask.
    """

    def __init__(self, size: int, augmentation: Any = None):
        self.size = size
        self.augmentation = augmentation

    def __call__(self, sample: Masked, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """-> image (S, S, 3) uint8, mask (S, S) uint8."""
        if self.augmentation is None:
            return resize_image(sample.image, self.size), view_mask(WHOLE, sample.mask, self.size, VOID)
        look = self.augmentation.look(_NO_BOXES, rng)
        return look.pixels(sample.image, self.size), look.mask(sample.mask, self.size, VOID)


def mask_of_size(probabilities: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mask (height, width) uint8 of a picture, from what a network says of it as a square.

    probabilities: (S, S, C) uint8 in 255ths, of each class against all else.  They are resampled before a pixel is
    decided on: its outline is then finer than the network's pixels.
    """
    side = probabilities.shape[0]
    channels = [probabilities[..., k : k + 1] for k in range(probabilities.shape[2])]
    resized = [np.asarray(crop_and_resize(one, (0, 0, side, side), width, height)) for one in channels]
    return mask_from(np.stack(resized, axis=-1) / np.float32(255))
