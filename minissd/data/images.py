"""Image files and pixels: whatever a folder of pictures holds becomes (H, W, 3) uint8 RGB.

This is the one place where colour order, bit depth and orientation are decided; everything above sees RGB, 8
bits, the way up that a viewer shows.
"""

import struct
import threading
import warnings
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from minissd.errors import MinissdError

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # no EPS: it starts Ghostscript
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
# Photographs are decoded at 1/2, 1/4 or 1/8 of their size while both sides keep this many pixels: a patch of
# 0.3 of the side still has the 300 that a network takes, and 12 megapixels take 35 ms instead of 250.
ENOUGH_PIXELS = 1024

_ORIENTATION_TAG = 0x0112
_TURNS = {  # EXIF orientation -> what turns the stored pixels into the picture
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow raises for damaged files.  A SyntaxError is its word for a broken PNG chunk.
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, struct.error)
_BOMB_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_header_lock = threading.Lock()  # warnings.catch_warnings below is not safe in several threads at once


class Header(NamedTuple):
    """What an image file says before its pixels: how they are stored, and the EXIF orientation, 1..8."""

    width: int
    height: int
    orientation: int

    @property
    def swaps_sides(self):
        """True if the picture is shown turned by a quarter, so that its width is the stored height."""
        return self.orientation >= 5


def read_header(path):
    """The `Header` of an image file, without decoding its pixels.  Raises MinissdError naming the file."""
    with _explain_errors(path), _open(path) as image:
        return Header(*image.size, _orientation(image))


def read_image(path, at_least=None):
    """The picture in a file as it is shown -> (H, W, 3) uint8 RGB, read-only.

    Grey, palette, CMYK and 16-bit images are converted (16 bits by their upper byte), transparent ones are
    laid on white, EXIF orientation is applied.  With `at_least`, a JPEG larger than needed is decoded at 1/2,
    1/4 or 1/8 of its size (by the first coefficients of each block: several times faster), as long as both
    sides keep that many pixels.  Raises MinissdError naming the file if it is missing, no image, damaged, cut
    short, or too large to be honest (a decompression bomb).
    """
    with _explain_errors(path), _open(path) as image:
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        turn = _TURNS.get(_orientation(image))
        rgb = _to_rgb(image)
        return np.asarray(rgb if turn is None else rgb.transpose(turn))


def read_indices(path):
    """The numbers in a mask -> (H, W) uint8: the entries of its palette, or its shades of grey.

    Raises MinissdError naming the file if it is missing, damaged, or a picture in colours.
    """
    with _explain_errors(path), _open(path) as image:
        if image.mode not in ("P", "L", "1"):
            raise ValueError(f"its pixels are {image.mode}; a mask is a palette or grey PNG, 8 bits a pixel")
        return np.asarray(image).astype(np.uint8)


def crop_and_resize(image, box, width, height, color_matrix=None):
    """The rectangle `box` of an image, resampled -> a Pillow image, for Pillow is quick at what may follow.

    image: (H, W, C) uint8, C = 3 or 1; box: x_min, y_min, x_max, y_max in pixels, fractions allowed, inside the image.
    Bilinear, and averaged over all source pixels when shrinking.  color_matrix: 3x4 numbers row by row,
    applied to (red, green, blue, 1) with rounding and clipping to 0..255; for C = 3 alone.
    """
    x_min, y_min, x_max, y_max = box
    left, top = int(x_min), int(y_min)
    pixels = image[top : int(np.ceil(y_max)), left : int(np.ceil(x_max))]
    part = Image.fromarray(np.ascontiguousarray(pixels if image.shape[2] == 3 else pixels[..., 0]))
    shifted = (x_min - left, y_min - top, x_max - left, y_max - top)
    resized = part.resize((width, height), Image.Resampling.BILINEAR, box=shifted)
    return resized if color_matrix is None else resized.convert("RGB", color_matrix)


def _open(path):
    """The file with its header read; an image above Pillow's pixel limit is an error, not a warning."""
    with _header_lock, warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(path, formats=FORMATS)


def _orientation(image):
    """The EXIF orientation of an opened file, 1 if it states none that makes sense."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # Pillow would decode the whole image to see whether EXIF data follow the pixels
    orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    return orientation if orientation in _TURNS else 1


def _to_rgb(image):
    """A Pillow image of any mode -> mode RGB."""
    if image.mode.startswith("I"):  # 16 bits, or 32 bits that hold 16: Pillow itself would cut off at 255
        grey = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.mode == "F":
        raise ValueError("floating-point pixels of unknown range; save it with 8 bits a channel")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


@contextmanager
def _explain_errors(path):
    """Turns whatever Pillow raises over a bad file into a MinissdError of one line."""
    try:
        yield
    except _BOMB_ERRORS:
        limit = Image.MAX_IMAGE_PIXELS // 10**6
        raise MinissdError(f"image {path} claims more than {limit} million pixels: make it smaller") from None
    except UnidentifiedImageError:
        raise MinissdError(f"{path} is no image that can be read: expected {', '.join(FORMATS)}") from None
    except FileNotFoundError:
        raise MinissdError(f"image {path} does not exist") from None
    except _DECODING_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MinissdError(f"image {path} cannot be read ({reason}): replace it or leave it out") from None
