"""More than 8 bits a channel: pixels of 16 or 32 bits become 8.

No header tells how many of its bits a file uses: cameras put 10, 12 or 14 into 16, some programs 8 into 32, and
the upper byte of those is black.  So the largest value tells.  The depth is the smallest even number of bits, 8 at
least, that holds it, and the pixels are shifted down from there: their order stays, and a file that uses its whole
range keeps its upper byte.  It goes by one file at a time: a dim picture may come out brighter beside a bright one
than it was.  To rule that out, save 8 bits a channel.
"""

import sys

import numpy as np

_PHOTOMETRIC, _BITS, _WHITE_IS_ZERO = 262, 258, 0  # tags of TIFF, and a value of the first
_NATIVE = "L" if sys.byteorder == "little" else "B"


def eight_bits(values, depth=None):
    """Whole numbers (...), none negative -> (...) uint8; depth: how many bits they use, None to go by the largest."""
    lowest, highest = int(values.min()), int(values.max())
    if lowest < 0:
        raise ValueError(f"its pixels go from {lowest} to {highest}: save it with 8 bits a channel")
    if depth is None:
        used = highest.bit_length()
        depth = max(8, used + used % 2)
    return (values >> (depth - 8)).astype(np.uint8)


def grey_pixels(image):
    """A loaded Pillow image of a mode I, I;16, ... -> (H, W) uint8."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow turns only 8 bits round
        values = (1 << tags[_BITS][0]) - 1 - values.astype(np.int64)
    return eight_bits(values, depth=16 if image.format == "PPM" else None)  # PPM says its depth, and Pillow scales


def is_deep_colour(image):
    """Whether an opened image has colours of 16 bits, of which Pillow will keep the upper byte."""
    return image.mode in ("RGB", "RGBA") and any(";16" in str(tile[3]) for tile in image.tile)


def read_lower_bytes(image):
    """An opened image that `is_deep_colour`, and not loaded yet -> its lower bytes (H, W, 3 or 4).

    Told that the bytes of each pair come in the other order, Pillow keeps these.
    """
    image.tile = [(*tile[:3], _swapped(tile[3])) for tile in image.tile]
    return np.asarray(image)


def join_bytes(upper, lower):
    """(H, W, 3 or 4) of bytes each -> (H, W, 3 or 4) uint8; opacity has a depth of its own."""
    values = upper.astype(np.uint16) << 8 | lower
    return np.concatenate([eight_bits(part) for part in (values[..., :3], values[..., 3:]) if part.size], axis=-1)


def _swapped(arguments):
    """The arguments of a decoder, "RGB;16B" or a tuple with such a word in it, with the order of bytes exchanged."""
    if isinstance(arguments, str):
        head, order = arguments[:-1], arguments[-1].replace("N", _NATIVE)
        return head + ("L" if order == "B" else "B")
    return tuple(_swapped(one) if ";16" in str(one) else one for one in arguments)
