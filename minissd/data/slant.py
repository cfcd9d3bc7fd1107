"""How far a digit leans: MNIST with one number for each image, for image regression.

The slant is that of the line that fits the ink best when x is to follow from y.  With the ink of a pixel as its weight
and x, y from the centre of all ink,

    slant = -arctan( sum ink x y / sum ink y^2 )      y points down, so what leans to the right has a positive slant
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minissd.data.mnist import Mnist
from minissd.data.samples import Measured

_BLOCK = 4096  # images at a time, as floats


class SlantedDigits:
    """A split of MNIST as a data set for regression; arguments are those of `Mnist`."""

    task = "regress"
    quantity = "slant in degrees"

    def __init__(self, root: str | Path, split: str, classes: Sequence[str] | None = None, limit: int | None = None):
        self._digits = Mnist(root, split, classes, limit)
        self.name, self.classes = self._digits.name, self._digits.classes
        self.ids, self.notes = self._digits.ids, self._digits.notes
        images = self._digits.images[..., 0]
        blocks = [slants(images[start : start + _BLOCK]) for start in range(0, len(images), _BLOCK)]
        self.values = np.concatenate(blocks).astype(np.float32)

    def __len__(self) -> int:
        return len(self._digits)

    def __getitem__(self, index: int) -> Measured:
        """The Measured image at a position."""
        return Measured(self.ids[index], self._digits.images[index], float(self.values[index]))


def slants(images: np.ndarray) -> np.ndarray:
    """(N, H, W) uint8, white on black -> (N,) degrees, right positive; 0 for an image whose ink lies in one row."""
    ink = images / np.maximum(images.sum(axis=(1, 2), keepdims=True), 1)  # (N, H, W), 1 in all
    y, x = (np.arange(side) for side in images.shape[1:])
    ink_of_rows = ink.sum(axis=2)  # (N, H)
    y = y - (ink_of_rows @ y)[:, None]  # (N, H) from the centre
    x = x - (ink.sum(axis=1) @ x)[:, None]  # (N, W)
    xy, yy = np.einsum("nhw,nh,nw->n", ink, y, x, optimize=True), (ink_of_rows * y * y).sum(axis=1)
    return -np.degrees(np.arctan2(xy, np.where(yy > 0, yy, 1)))
