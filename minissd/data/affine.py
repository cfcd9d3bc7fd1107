"""Rotations, shifts, zooms and mirror images of a picture as one affine map.

A map is settled by arithmetic on six numbers; then every pixel is resampled once, and boxes and masks go through the
very same map.  It acts on the square that a network reads, both sides being 1 and y pointing down:

    x' = a x + b y + c        pixels: for each of x', y' the picture is asked at the inverse map's x, y: bilinear
    y' = d x + e y + f        masks: the same, but the nearest number, for classes cannot be averaged
                              boxes: the upright box around the four images of the corners
"""

from dataclasses import dataclass
from math import cos, radians, sin
from typing import NamedTuple

import numpy as np
from PIL import Image

from minissd.data.distributions import Fixed, Normal, Uniform
from minissd.data.view import contains_centers, resize_image
from minissd.detection import Objects


class Affine(NamedTuple):
    """Where the point (x, y) goes: to (a x + b y + c, d x + e y + f)."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    @classmethod
    def about_the_centre(
        cls,
        degrees: float = 0.0,
        zoom: float = 1.0,
        shift: tuple[float, float] = (0.0, 0.0),
        mirror: bool = False,
        flip: bool = False,
    ) -> "Affine":
        """Mirror (left and right swapped) and flip (top and bottom), then a turn against the clock, a zoom, a shift.

        The turn and the zoom leave the centre (1/2, 1/2) where it is; shift: x and y, in sides of the picture.
        """
        along, across = zoom * cos(radians(degrees)), zoom * sin(radians(degrees))
        horizontal, vertical = (-1 if swapped else 1 for swapped in (mirror, flip))
        a, b, d, e = horizontal * along, vertical * across, -horizontal * across, vertical * along
        return cls(a, b, 0.5 - (a + b) / 2 + shift[0], d, e, 0.5 - (d + e) / 2 + shift[1])

    def inverse(self) -> "Affine":
        """The map that takes every point back."""
        a, b, c, d, e, f = self
        determinant = a * e - b * d
        a, b, d, e = e / determinant, -b / determinant, -d / determinant, a / determinant
        return Affine(a, b, -(a * c + b * f), d, e, -(d * c + e * f))

    def points(self, xy: np.ndarray) -> np.ndarray:
        """(..., 2) points -> where they go."""
        a, b, c, d, e, f = self
        x, y = xy[..., 0], xy[..., 1]
        return np.stack([a * x + b * y + c, d * x + e * y + f], axis=-1)

    def corners(self, corners: np.ndarray) -> np.ndarray:
        """Boxes (G, 4) -> the smallest upright boxes (G, 4) around where they go, not clipped."""
        four = corners[:, [[0, 1], [2, 1], [0, 3], [2, 3]]]  # (G, 4 corners, x and y)
        gone = self.points(four)
        return np.concatenate([gone.min(axis=1), gone.max(axis=1)], axis=1).astype(corners.dtype)

    def objects(self, objects: Objects) -> Objects:
        """The objects whose centre stays in the picture, clipped to its edges.

        The box around a turned box is larger than what it showed, and all there is to know without a mask.
        """
        corners = self.corners(objects.corners)
        kept = contains_centers(np.array([0, 0, 1, 1]), corners)
        return Objects(np.clip(corners[kept], 0, 1), objects.labels[kept], objects.difficult[kept])

    def resample(
        self, square: np.ndarray, fill: int | tuple[int, int, int], how: Image.Resampling = Image.Resampling.BILINEAR
    ) -> np.ndarray:
        """A square picture (S, S, C) uint8, C = 1 or 3, or mask (S, S) -> the same through the map.

        fill: what is seen where there is no picture: a number, or (R, G, B).
        """
        size = square.shape[0]
        a, b, c, d, e, f = self.inverse()
        plane = square[..., 0] if square.shape[2:] == (1,) else square
        picture = Image.fromarray(np.ascontiguousarray(plane))
        pixels = (a, b, c * size, d, e, f * size)  # Pillow's map is in pixels, whose centres lie at 1/2
        moved = picture.transform((size, size), Image.Transform.AFFINE, pixels, how, fillcolor=fill)
        return np.asarray(moved).reshape(square.shape)


class AffineLook(NamedTuple):
    """One random look at a picture: an affine map and a change of brightness."""

    affine: Affine
    gain: float
    background: tuple  # R, G, B

    def pixels(self, image: np.ndarray, size: int) -> np.ndarray:
        """(H, W, C) uint8 -> (size, size, C) uint8."""
        grey = image.shape[2] == 1
        seen = self.affine.resample(resize_image(image, size), self.background[0] if grey else self.background)
        if self.gain != 1:
            seen = np.minimum(np.rint(seen * self.gain), 255).astype(np.uint8)
        return seen

    def mask(self, mask: np.ndarray, size: int, outside: int) -> np.ndarray:
        """(H, W) uint8 -> (size, size) uint8; `outside` where there is no picture."""
        square = np.asarray(Image.fromarray(mask).resize((size, size), Image.Resampling.NEAREST))
        return self.affine.resample(square, outside, Image.Resampling.NEAREST)

    def objects(self, objects: Objects) -> Objects:
        return self.affine.objects(objects)


@dataclass(frozen=True)
class AffineAugmentation:
    """What may happen to a training image; the defaults are for digits and other small signs with an up.

    `mirror` and `flip` are how often left and right, top and bottom are swapped.
    """

    rotation: Normal | Uniform | Fixed = Normal(0, 6)  # degrees
    zoom: Normal | Uniform | Fixed = Uniform(0.9, 1.1)
    shift: Normal | Uniform | Fixed = Uniform(-0.07, 0.07)  # in sides of the picture; x and y each on its own
    brightness: Normal | Uniform | Fixed = Uniform(0.8, 1.2)  # a factor
    mirror: float = 0.0
    flip: float = 0.0
    background: tuple[int, int, int] = (0, 0, 0)

    def look(self, corners: np.ndarray, rng: np.random.Generator) -> AffineLook:
        """A random AffineLook; where the objects `corners` are makes no difference."""
        mirror, flip = (rng.random(2) < (self.mirror, self.flip)).tolist()
        shift = self.shift.draw(rng), self.shift.draw(rng)
        affine = Affine.about_the_centre(self.rotation.draw(rng), self.zoom.draw(rng), shift, mirror, flip)
        return AffineLook(affine, self.brightness.draw(rng), self.background)
