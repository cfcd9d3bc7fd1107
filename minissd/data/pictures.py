"""A picture however somebody has it at hand: the path of a file, a Pillow image, or an array of pixels."""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from minissd.data.images import ENOUGH_PIXELS, read_header, read_image, rgb_of

WANTED = "give the path of an image, a Pillow image, or pixels 0..255 as a uint8 array (H, W, 3), (H, W) or (H, W, 4)"


class Picture(NamedTuple):
    pixels: np.ndarray  # (H, W, 3) uint8 RGB, the way up that a viewer shows
    size: tuple[int, int]  # width and height of the picture in full: a large photograph may be decoded at a part of it


def open_picture(source: Any, at_least: int | None = ENOUGH_PIXELS) -> Picture:
    """The `Picture` that `source` is: a path, a Pillow image, or a uint8 array as `as_rgb` takes it.

    at_least: as for `read_image`, None to decode at full size.  Raises MinissdError for a file that cannot be read,
    TypeError or ValueError for what is no picture.
    """
    if isinstance(source, str | os.PathLike):
        header = read_header(source)
        size = header.width, header.height
        return Picture(read_image(source, at_least), size[::-1] if header.swaps_sides else size)
    pixels = as_rgb(source)
    height, width, _ = pixels.shape
    return Picture(pixels, (width, height))


def as_rgb(image: Any) -> np.ndarray:
    """A Pillow image of any mode, or a uint8 array, as (H, W, 3) uint8 RGB, converted as `read_image` does files.

    Arrays: (H, W) and (H, W, 1) are grey, (H, W, 2) grey and (H, W, 4) RGB with alpha, which are laid on white.  The
    EXIF orientation of a Pillow image is applied.
    """
    if isinstance(image, Image.Image):
        return rgb_of(image)
    if not isinstance(image, np.ndarray):
        raise TypeError(f"expected a picture, got {type(image).__module__}.{type(image).__qualname__}: {WANTED}")
    if image.dtype != np.uint8:
        raise TypeError(f"expected a picture, got an array of {image.dtype}: {WANTED}")
    if image.ndim not in (2, 3) or min(image.shape) < 1 or (image.ndim == 3 and image.shape[2] > 4):
        hint = "; move the channels to the end" if image.ndim == 3 and image.shape[0] in (1, 3, 4) else ""
        raise ValueError(f"expected a picture, got an array {image.shape}: {WANTED}{hint}")
    if image.ndim == 3 and image.shape[2] == 3:
        return image
    return rgb_of(Image.fromarray(image[..., 0] if image.shape[2:] == (1,) else image))


def is_one_picture(images: Any) -> bool:
    """Whether this is one picture and not several: an array (N, H, W, C) is several, as a list is."""
    if isinstance(images, np.ndarray):
        return images.ndim < 4
    return isinstance(images, str | os.PathLike | Image.Image)


def pictures_in(images: Any) -> Iterator[Any]:
    """The pictures to go through, one by one: those of a list, an array (N, H, W, C), a generator."""
    try:
        return iter(images)
    except TypeError:
        raise TypeError(f"expected pictures, got {type(images).__qualname__}: {WANTED}, or a list of them") from None
