"""Drawing for the generated set "shapes": outlines, their masks, and paint on textured ground."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SUPERSAMPLING = 4  # masks are drawn this much larger and averaged, which makes smooth edges
SHADOW_OFFSET = (3, 4)  # pixels to the right and down
SHADOW_MARGIN = 10  # pixels around a shape that its shadow may reach

PAINTS = np.array(
    [
        (226, 62, 70), (244, 134, 30), (250, 200, 50), (92, 176, 52), (0, 158, 142),
        (36, 116, 214), (124, 66, 214), (232, 58, 140), (244, 242, 236), (34, 42, 66),
    ],
    dtype=np.float32,
)  # fmt: skip
GROUNDS = np.array(
    [(190, 176, 150), (150, 160, 168), (134, 146, 122), (168, 146, 140), (112, 120, 136), (206, 200, 190)],
    dtype=np.float32,
)


def _around(radii):
    """Vertices (V, 2) at equal angles around the origin, the first at the top, at the given distances."""
    angles = 2 * np.pi * np.arange(len(radii)) / len(radii)
    return np.stack([np.sin(angles), -np.cos(angles)], axis=1) * np.asarray(radii)[:, None]


# Polygons about the size of the unit square, y downwards.
OUTLINES = {
    "cross": 0.5 * np.array(
        [(-.36, -1), (.36, -1), (.36, -.36), (1, -.36), (1, .36), (.36, .36),
         (.36, 1), (-.36, 1), (-.36, .36), (-1, .36), (-1, -.36), (-.36, -.36)]
    ),
    "ellipse": _around([0.54] * 48),
    "rectangle": 0.5 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]),
    "star": _around([0.62, 0.28] * 5),
    "triangle": _around([0.64] * 3),
}  # fmt: skip


class Mask(NamedTuple):
    """How much of each pixel a shape covers, in a window of h x w pixels with SHADOW_MARGIN around the shape.

    The window may reach beyond the image.
    """

    left: int  # of the window, in pixels of the image
    top: int
    coverage: np.ndarray  # (h, w) float32 in [0, 1]

    def meet(self, size):
        """Where the window meets the image: a pair of slices into the image, a pair into the window."""
        height, width = self.coverage.shape
        top, bottom = max(self.top, 0), min(self.top + height, size)
        left, right = max(self.left, 0), min(self.left + width, size)
        part = slice(top - self.top, bottom - self.top), slice(left - self.left, right - self.left)
        return (slice(top, bottom), slice(left, right)), part


def draw_mask(polygon):
    """The Mask of a polygon (V, 2) in pixels."""
    left, top = (np.floor(polygon.min(axis=0)).astype(int) - SHADOW_MARGIN).tolist()
    right, bottom = (np.ceil(polygon.max(axis=0)).astype(int) + SHADOW_MARGIN).tolist()
    canvas = Image.new("L", ((right - left) * SUPERSAMPLING, (bottom - top) * SUPERSAMPLING))
    # Pillow counts from the middle of the first (small) pixel, we from its edge.
    points = (polygon - (left, top)) * SUPERSAMPLING - 0.5
    ImageDraw.Draw(canvas).polygon([tuple(point) for point in points.tolist()], fill=255)
    return Mask(left, top, np.asarray(canvas.reduce(SUPERSAMPLING), dtype=np.float32) / 255)


def paint(picture, mask, rng):
    """Paints a Mask into a picture (S, S, 3) uint8, in place: a soft shadow, then a shaded colour."""
    height, width = mask.coverage.shape
    color = PAINTS[rng.integers(len(PAINTS))] * rng.uniform(0.85, 1.05)
    slope_x, slope_y = rng.uniform(-0.3, 0.3, 2).astype(np.float32)
    light = 1 + slope_x * _ramp(width) + slope_y * _ramp(height)[:, None]  # (h, w)

    inside, part = mask.meet(len(picture))
    laid_on = (mask.coverage * light)[part]
    shines_through = ((1 - mask.coverage) * (1 - _shadow(mask.coverage)))[part]
    mixed = picture[inside] * shines_through[..., None] + laid_on[..., None] * color
    picture[inside] = np.minimum(mixed, 255, out=mixed)


def _shadow(coverage):
    """How much light (h, w) a shape takes from the ground behind it."""
    blurred = Image.fromarray((coverage * 90).astype(np.uint8)).filter(ImageFilter.GaussianBlur(3))
    right, down = SHADOW_OFFSET
    darkness = np.asarray(blurred, dtype=np.float32) / 255
    return np.roll(darkness, (down, right), axis=(0, 1))  # nothing comes round, for the margin is empty


def _ramp(length):
    return np.linspace(-0.5, 0.5, length, dtype=np.float32)


def draw_ground(size, rng):
    """Textured ground -> (size, size, 3) uint8: two muted colours mixed by clouds, waves and grain."""
    dark, bright = GROUNDS[rng.integers(len(GROUNDS), size=2)] * rng.uniform([[0.5], [0.85]], [[0.8], [1.15]])
    mix = 0.6 * _clouds(size, 4, rng) + 0.25 * _clouds(size, 20, rng)
    mix += rng.uniform(0, 0.15) * _waves(size, rng)
    mix += rng.integers(0, 256, (size, size), np.uint8) * np.float32(0.15 / 256)
    palette = np.linspace(dark, bright, 256).clip(0, 255).astype(np.uint8)
    mix *= 255
    return palette.take(mix.clip(0, 255, out=mix).astype(np.uint8), axis=0)


def _clouds(size, cells, rng):
    """Smooth noise, (size, size) float32 about 0..1, with `cells` random values on a side."""
    coarse = Image.fromarray(rng.random((cells, cells), dtype=np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def _waves(size, rng):
    """Stripes or a weave, (size, size) float32 in [-1, 1]."""
    frequency = rng.uniform(0.05, 0.5, (2, 1))  # radians a pixel
    phase = rng.uniform(0, 2 * np.pi, (2, 1))
    along_x, along_y = np.sin(np.arange(size) * frequency + phase).astype(np.float32)
    return along_x * (along_y[:, None] if rng.random() < 0.5 else np.ones((size, 1), np.float32))
