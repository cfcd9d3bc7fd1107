"""Plain bilinear resizing, number for number what OpenCV and PyTorch do to images unless told otherwise.

Output pixel i of n looks at the place x = (i + 1/2) N / n - 1/2 among N source pixels, cut to 0..N-1, and mixes the two
pixels beside it: (1 - t) image[floor x] + t image[floor x + 1] with t = x - floor x.  When an image shrinks, the pixels
in between are not looked at, so fine patterns turn into coarse ones; `crop_and_resize` averages over all instead.

H W C the image, S the size it is brought to.  The C numbers of a pixel lie side by side, so a row is W * C numbers.
"""

import numpy as np

FINE = 1 << 16  # parts of a pixel value in which PyTorch's numbers, which it does not round, are kept
_PARTS = 2048  # of 1, in which OpenCV keeps t and 1 - t


def bilinear(image: np.ndarray, size: int) -> np.ndarray:
    """(H, W, C) uint8 -> (size, size, C) uint8, in the whole numbers that OpenCV computes with.

    It cuts lower bits off, so that about a tenth of the numbers are 1 less than the nearest.
    """
    height, width, channels = image.shape
    rows, down = _neighbours(_place_in_float64(height, size), height)
    columns, across = _neighbours(_place_in_float64(width, size), width)
    left, right = _of_row(columns, channels)
    to_left, to_right = (np.repeat(share, channels) for share in _in_parts(across))
    total = np.full((size, size * channels), 2, np.int32)  # half of the last two bits
    for row, share in zip(rows, _in_parts(down), strict=True):
        seen = image.reshape(height, -1).take(row, axis=0)  # (S, W*C)
        mixed = seen.take(left, axis=1) * to_left + seen.take(right, axis=1) * to_right  # (S, S*C), 11 bits of parts
        total += (mixed >> 4) * share[:, None] >> 16  # 11 + 11 - 4 - 16 = 2 bits
    return (total >> 2).astype(np.uint8).reshape(size, size, channels)


def fine_bilinear(image: np.ndarray, size: int) -> np.ndarray:
    """As PyTorch does it, with all its digits -> (size, size, C) uint32 in parts of 1 / FINE, at most 255 * FINE."""
    height, width, channels = image.shape
    (above, below), down = _neighbours(_place_in_float32(height, size), height)
    columns, across = _neighbours(_place_in_float32(width, size), width)
    left, right = _of_row(columns, channels)
    down, across = down[:, None], np.repeat(across, channels)
    flat = image.reshape(height, -1)
    rows = (1 - down) * flat.take(above, axis=0) + down * flat.take(below, axis=0)  # (S, W*C)
    mixed = (1 - across) * rows.take(left, axis=1) + across * rows.take(right, axis=1)  # (S, S*C) 0..255
    return (mixed * FINE).astype(np.uint32).reshape(size, size, channels)


def _place_in_float64(count, size):
    """x of each of `size` pixels among `count`, (size,), as OpenCV computes it."""
    return np.clip((np.arange(size) + 0.5) * (count / size) - 0.5, 0, count - 1).astype(np.float32)


def _place_in_float32(count, size):
    """The same as PyTorch computes it."""
    half, ratio = np.float32(0.5), np.float32(count) / np.float32(size)
    return np.clip(ratio * (np.arange(size, dtype=np.float32) + half) - half, 0, np.float32(count - 1))


def _neighbours(place, count):
    """((before, after), t), each (size,): the two of `count` pixels beside each place, and t in float32."""
    before = place.astype(np.intp)
    return (before, np.minimum(before + 1, count - 1)), place - before.astype(np.float32)


def _in_parts(t):
    """1 - t and t as whole numbers of `_PARTS`."""
    return [np.rint(share * np.float32(_PARTS)).astype(np.int32) for share in (1 - t, t)]


def _of_row(pixels, channels):
    """Places of pixels (size,) in an image row -> the places of all their numbers, (size * channels,)."""
    return [(one[:, None] * channels + np.arange(channels)).reshape(-1) for one in pixels]
