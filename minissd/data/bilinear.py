"""Plain bilinear resizing, by the formula: what OpenCV and PyTorch do to images unless told otherwise.

Output pixel i of n looks at the place x = (i + 1/2) N / n - 1/2 among N source pixels, cut to 0..N-1, and mixes the two
pixels beside it: (1 - t) image[floor x] + t image[floor x + 1] with t = x - floor x.  When an image shrinks, the pixels
in between are not looked at, so fine patterns turn into coarse ones; `crop_and_resize` averages over all instead.
"""

import numpy as np

FINE = 256  # parts of a pixel value in which PyTorch's numbers, which it does not round, are kept


def bilinear(image: np.ndarray, size: int) -> np.ndarray:
    """(H, W, C) uint8 -> (size, size, C) uint8, rounded to whole numbers as OpenCV does with pixels of bytes."""
    return (_mixed(image, size) + 0.5).astype(np.uint8)


def fine_bilinear(image: np.ndarray, size: int) -> np.ndarray:
    """The same in parts of 1 / FINE, as good as not rounded -> (size, size, C) uint16, at most 255 * FINE."""
    return (_mixed(image, size) * FINE + 0.5).astype(np.uint16)


def _mixed(image, size):
    """(H, W, C) uint8 -> (size, size, C) float32, 0..255."""
    above, below, down = _neighbours(image.shape[0], size)
    left, right, across = _neighbours(image.shape[1], size)
    down, across = down[:, None, None], across[:, None]
    rows = (1 - down) * image[above] + down * image[below]  # (size, W, C) float32
    return (1 - across) * rows[:, left] + across * rows[:, right]


def _neighbours(count, size):
    """(before, after, t), each (size,): the two of `count` pixels that each of `size` mixes, and t in float32."""
    place = np.clip((np.arange(size) + 0.5) * (count / size) - 0.5, 0, count - 1)
    before = place.astype(np.intp)
    return before, np.minimum(before + 1, count - 1), (place - before).astype(np.float32)
