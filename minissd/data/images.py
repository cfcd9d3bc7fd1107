"""Image files and pixels: whatever a folder of pictures holds becomes (H, W, 3) uint8 RGB.

This is the one place where colour order and orientation are decided (bit depth: deep_pixels.py); everything above
sees RGB, 8 bits, the way up that a viewer shows.  Colour profiles are ignored: their numbers are taken as sRGB, as
most programs that train on pictures do.
"""

import os
import struct
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError, features

from minissd.data.deep_pixels import grey_pixels, is_deep_colour, join_bytes, read_lower_bytes
from minissd.data.foreign_files import what_it_is
from minissd.errors import MinissdError

_AVIF = "avif" in features.modules and bool(features.check("avif"))  # since Pillow 11.3, where it was built with it
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM") + _AVIF * ("AVIF",)  # no EPS: it starts Ghostscript
IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
    *_AVIF * (".avif",),
)
# Photographs are decoded at 1/2, 1/4 or 1/8 of their size while both sides keep this many pixels: a patch of
# 0.3 of the side still has the 300 that a network takes, and 12 megapixels take 35 ms instead of 250.
ENOUGH_PIXELS = 1024

_ORIENTATION_TAG, _WIDTH_TAG, _HEIGHT_TAG, _KIND_TAG = 0x0112, 256, 257, 254
_REDUCED = 1  # a bit of the kind of a page of a TIFF: smaller than the picture, as the first one in raw photographs is
_TAIL = 1 << 15  # bytes: as much as EXIF data with a small preview take
_DARK = 64  # an upper byte below it tells of 14 bits or fewer
_TURNS = {  # EXIF orientation -> what turns the stored pixels into the picture
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow raises for damaged files: a SyntaxError for a PNG chunk, a RuntimeError for an AVIF, a TypeError where
# the pixels of a TIFF begin at byte 8.5.
_DECODING_ERRORS = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, RuntimeError, TypeError, struct.error),
)
_BOMB_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_header_lock = threading.Lock()  # warnings.catch_warnings below is not safe in several threads at once
# Pillow warns of a damaged EXIF block, say, at every look at every picture, though the pixels are whole.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


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
        if _is_late_exif(image, path):
            image.load()
        size = image.size
        if image.format == "TIFF":  # Pillow has turned the size already, or not, as its version is
            size = image.tag_v2[_WIDTH_TAG], image.tag_v2[_HEIGHT_TAG]
        return Header(*size, _orientation(image))


def read_image(path: str | os.PathLike, at_least: int | None = None) -> np.ndarray:
    """The picture in a file as it is shown -> (H, W, 3) uint8 RGB, read-only.

    Grey, palette, CMYK and deeper images are converted (16 bits as deep_pixels.py says), transparent ones are laid on
    white (unless all is transparent), of several frames the first is taken, EXIF orientation is applied.  With
    `at_least`, a JPEG larger than needed is decoded at 1/2, 1/4 or 1/8 of its size (by the first coefficients of each
    block: several times faster), as long as both sides keep that many pixels.  Raises MinissdError naming the file if
    it is missing, no image, damaged, cut short, or too large to be honest (a decompression bomb).
    """
    with _explain_errors(path), _open(path) as image:
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        deep = is_deep_colour(image)
        turn = _load(image, path)
        rgb = _to_rgb(_all_bits(image, path) if deep else image)
        return np.asarray(rgb if turn is None else rgb.transpose(turn))


def rgb_of(image: Image.Image) -> np.ndarray:
    """A Pillow image that somebody opened or made -> (H, W, 3) uint8 RGB, as `read_image` reads files."""
    with _explain_errors(getattr(image, "filename", "") or "in memory"):
        image.load()
        rgb, turn = _to_rgb(image), _turn_left(image)
        return np.asarray(rgb if turn is None else rgb.transpose(turn))


def read_mask(path: str | Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The pixels of a mask, as it is shown -> numbers (H, W) uint8, colours (H, W, 3) uint8; None for what it lacks.

    A grey image has numbers, its shades; one with a palette has numbers, its entries, and their colours; others have
    colours alone.  Raises MinissdError naming the file if it is missing, damaged, or has numbers above 255.
    """
    with _explain_errors(path), _open(path) as image:
        turn = _load(image, path)
        image = image if turn is None else image.transpose(turn)
        is_grey = image.mode in ("L", "1") or image.mode.startswith("I")
        numbers = np.asarray(image) if is_grey or image.mode == "P" else None
        if numbers is not None and (numbers.min() < 0 or numbers.max() > 255):
            raise ValueError(f"it has pixels of {numbers.max()}; the numbers in a mask are 0 to 255")
        colours = None if is_grey else np.asarray(image.convert("RGB"))
        return None if numbers is None else numbers.astype(np.uint8), colours


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W) or (H, W, 3) uint8 as pixels are stored under an EXIF orientation -> as they are shown."""
    turn = _TURNS.get(orientation)
    return pixels if turn is None else np.asarray(Image.fromarray(pixels).transpose(turn))


def crop_and_resize(
    image: np.ndarray, box: tuple[float, float, float, float], width: int, height: int, color_matrix: Any = None
) -> Image.Image:
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
        image = Image.open(path, formats=FORMATS)
    kind = image.tag_v2.get(_KIND_TAG) if image.format == "TIFF" else None
    if isinstance(kind, int) and kind & _REDUCED:
        image.close()
        raise ValueError("it is a raw photograph, or holds a small preview in front: convert it to JPEG or PNG")
    return image


def _orientation(image):
    """The EXIF orientation of an opened file, 1 if it states none that makes sense."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # Pillow would decode the whole image to see whether EXIF data follow the pixels
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except _DECODING_ERRORS:  # a damaged EXIF block, which viewers ignore
        return 1
    whole = isinstance(orientation, int) or image.format == "TIFF"  # there Pillow, which turns it, takes 6.0 as well
    return int(orientation) if whole and orientation in _TURNS else 1


def _turn_left(image):
    """What is still to be done to the pixels of a loaded file; None for nothing, as for a TIFF: Pillow turns those."""
    return None if image.format == "TIFF" else _TURNS.get(_orientation(image))


def _load(image, path):
    """Decode an opened file -> what turns its pixels into the picture that `read_header` tells of, None for nothing."""
    states_turn = image.format != "PNG" or "exif" in image.info or _is_late_exif(image, path)
    image.load()
    return _turn_left(image) if states_turn else None


def _is_late_exif(image, path):
    """Whether EXIF data may follow the pixels of an opened PNG file: in its last bytes, for all would take long."""
    if image.format != "PNG" or "exif" in image.info:
        return False
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - _TAIL))
        return b"eXIf" in file.read()


def _all_bits(image, path):
    """A loaded image of 16 bits a channel, of which Pillow kept the upper byte -> by all of them, where it is dark."""
    upper = np.asarray(image)
    if upper[..., :3].max() >= _DARK:
        return image
    with _open(path) as again:
        return Image.fromarray(join_bytes(upper, read_lower_bytes(again)))


def _to_rgb(image):
    """A loaded Pillow image of any mode -> mode RGB."""
    if image.mode.startswith("I"):  # Pillow itself would cut off at 255
        return Image.fromarray(grey_pixels(image)).convert("RGB")
    if image.mode == "F":
        raise ValueError("floating-point pixels of unknown range: save it with 8 bits a channel")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() == (0, 0):  # nothing would be seen: a byte that nobody meant
            return image.convert("RGB")
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
        raise MinissdError(f"{path} is no image that can be read: {what_it_is(path, FORMATS)}") from None
    except FileNotFoundError:
        what = "is a link to a file that does not exist" if os.path.islink(path) else "does not exist"
        raise MinissdError(f"image {path} {what}") from None
    except _DECODING_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MinissdError(f"image {path} cannot be read ({reason}): replace it or leave it out") from None
