"""Looking at a rectangle of a picture: boxes, pixels and masks through the same window.

Expansion, crop, resize and mirror are one window each way: zooming out onto a canvas is a window larger than
the picture, a patch is a smaller one, and a patch of a canvas is again one window.  So augmentation first
settles the window by arithmetic on four numbers, and then every pixel is resampled once.
"""

from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from minissd.data.bilinear import bilinear, fine_bilinear
from minissd.data.images import crop_and_resize
from minissd.detection import Objects

_ROUNDING = 1e-6  # in pixels: an edge this close to a pixel border lies on it


class View(NamedTuple):
    """A window on a picture; its edges are in units of the picture's sides and may lie outside of 0..1.

    mirror: left and right swapped; flip: top and bottom swapped.
    """

    x_min: float
    y_min: float
    x_max: float
    y_max: float
    mirror: bool = False
    flip: bool = False


WHOLE = View(0.0, 0.0, 1.0, 1.0)
# Ways to bring a picture to the size of the network: what is best, what OpenCV does, and what PyTorch does
RESIZES = ("antialiased", "bilinear", "fine bilinear")


def contains_centers(windows: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The centre rule: which box has its centre in which window.

    windows: (..., 4), corners: (..., 4), both as corners and broadcast against each other -> (...) bool.
    """
    centers = (corners[..., :2] + corners[..., 2:]) / 2
    return ((windows[..., :2] <= centers) & (centers <= windows[..., 2:])).all(axis=-1)


def view_corners(view: View, corners: np.ndarray) -> np.ndarray:
    """Boxes in units of the picture (G, 4) -> the same boxes in units of the view (G, 4), not clipped."""
    origin = np.array([view.x_min, view.y_min] * 2)
    extent = np.array([view.x_max - view.x_min, view.y_max - view.y_min] * 2)
    seen = (corners - origin) / extent
    if view.mirror:
        seen[:, [0, 2]] = 1 - seen[:, [2, 0]]
    if view.flip:
        seen[:, [1, 3]] = 1 - seen[:, [3, 1]]
    return seen.astype(corners.dtype)


def view_objects(view: View, objects: Objects) -> Objects:
    """The objects whose centre lies in the view, clipped to its edges (Liu et al. 2016, section 2.2)."""
    kept = contains_centers(np.array(view[:4]), objects.corners)
    corners = np.clip(view_corners(view, objects.corners[kept]), 0, 1)
    return Objects(corners, objects.labels[kept], objects.difficult[kept])


def view_pixels(
    view: View, image: np.ndarray, size: int, background: int | tuple[int, int, int], color_matrix: Any = None
) -> np.ndarray:
    """The view as a square image -> (size, size, C) uint8, read-only.

    image: (H, W, C) uint8, C = 3 or 1; background: the colour of what lies outside of the picture.
    color_matrix changes the colours of the picture, not of the background (see crop_and_resize).  Pillow fills and
    mirrors: it moves pixels of 4 bytes as one, which is ten times as fast as NumPy with 3 bytes one by one.
    """
    left, right, x_start, x_stop = _visible_span(view.x_min, view.x_max, image.shape[1], size)
    top, bottom, y_start, y_stop = _visible_span(view.y_min, view.y_max, image.shape[0], size)
    canvas = Image.new("RGB" if image.shape[2] == 3 else "L", (size, size))
    if right - left < size or bottom - top < size:
        canvas.paste(background, (0, 0, size, size))
    if right > left and bottom > top:
        box = (x_start, y_start, x_stop, y_stop)
        canvas.paste(crop_and_resize(image, box, right - left, bottom - top, color_matrix), (left, top))
    if view.mirror:
        canvas = canvas.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if view.flip:
        canvas = canvas.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return np.asarray(canvas).reshape(size, size, -1)


def view_mask(view: View, mask: np.ndarray, size: int, outside: int) -> np.ndarray:
    """The view of a mask (H, W) uint8 -> (size, size) uint8, pixel for pixel that of `view_pixels`.

    Every pixel gets the number of that pixel of the mask in which its centre lies, for numbers of classes cannot be
    averaged; `outside` where there is no mask.
    """
    left, right, x_start, x_stop = _visible_span(view.x_min, view.x_max, mask.shape[1], size)
    top, bottom, y_start, y_stop = _visible_span(view.y_min, view.y_max, mask.shape[0], size)
    seen = np.full((size, size), outside, np.uint8)
    if right > left and bottom > top:
        rows, columns = _nearest(y_start, y_stop, bottom - top), _nearest(x_start, x_stop, right - left)
        seen[top:bottom, left:right] = mask[rows[:, None], columns]
    if view.mirror:
        seen = seen[:, ::-1]
    if view.flip:
        seen = seen[::-1]
    return np.ascontiguousarray(seen)


def _nearest(start, stop, count):
    """(count,) source pixels that hold the centres of `count` equal parts of the stretch start..stop."""
    centers = start + (np.arange(count) + 0.5) * ((stop - start) / count)
    return np.minimum(centers.astype(np.intp), int(np.ceil(stop)) - 1)  # the last one, lest rounding go beyond


def resize_image(image: np.ndarray, size: int, resize: str = "antialiased") -> np.ndarray:
    """The whole picture (H, W, C) uint8, C = 3 or 1 -> (size, size, C) uint8: what a network sees at inference.

    resize: "antialiased", which averages over all pixels when shrinking; or one of those of bilinear.py, which do not:
    "bilinear", or "fine bilinear", whose uint32 count parts of 1 / FINE of a pixel value.
    Anything else is refused: `as_rgb` makes such a picture of grey, transparent and others.
    """
    check_picture(image)
    if resize == "fine bilinear":
        return fine_bilinear(image, size)
    if image.shape[:2] == (size, size):
        return image
    if resize not in RESIZES:
        raise ValueError(f"resize must be one of {', '.join(RESIZES)}, got {resize!r}")
    return bilinear(image, size) if resize == "bilinear" else view_pixels(WHOLE, image, size, background=0)


def check_picture(image: np.ndarray) -> None:
    """ValueError or TypeError unless this is (H, W, 3) or (H, W, 1) uint8, with what to do about it."""
    shape: tuple[int, ...] = getattr(image, "shape", ())
    if len(shape) != 3 or shape[2] not in (1, 3) or min(shape) < 1:
        raise ValueError(
            f"expected a picture (H, W, 3) or (H, W, 1), got {shape}: minissd.data.as_rgb makes one of grey, "
            "transparent and other images"
        )
    if image.dtype != np.uint8:
        raise TypeError(f"expected pixels 0..255 as uint8, got {image.dtype}: round and convert them first")


def with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """(H, W, 1 or 3) uint8 -> (H, W, channels) uint8, as many as a network reads.

    Colours become the grey of their luma, .299 R + .587 G + .114 B, which leaves grey what it was; grey becomes three
    equal channels.
    """
    check_picture(image)
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return image.repeat(3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[..., None]


def _visible_span(start, stop, source_size, size):
    """Along one axis: the pixels of the output that show the picture, and the stretch of it that they show.

    The window from `start` to `stop` (the picture being 0..1) is drawn over `size` pixels.  Returns first,
    last + 1 in pixels of the output and start, stop in pixels of the picture.  Only output pixels that lie in
    the picture as a whole count, and the stretch is computed back from them, so that scale and position are
    exact.
    """
    scale = size / (stop - start)  # pixels of the output per side of the picture
    first = max(0, int(np.ceil(-start * scale - _ROUNDING)))
    last = min(size, int(np.floor((1 - start) * scale + _ROUNDING)))
    edges = (np.array([first, last]) / scale + start) * source_size
    return first, last, *np.clip(edges, 0, source_size).tolist()
