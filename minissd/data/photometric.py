"""Photometric distortion: random brightness, contrast, saturation and hue as one affine map of colours.

Each of the four is affine in (R, G, B), so a chain of them is again one 3x3 matrix and one shift, applied in
a single pass over the pixels and rounded once.  (The released SSD changes hue and saturation in HSV, which is
not affine and costs ten times as much; for small changes the effect is the same.)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114])  # how bright R, G and B look; BT.601, as in JPEG


@dataclass(frozen=True)
class Photometric:
    """How far colours may change; the defaults are those of the released SSD.  0 switches a change off.

    brightness: added to every channel, at most this much of 255.  contrast and saturation: factors between
    1 - x and 1 + x.  hue: degrees of turn around the grey axis.  probability: of each of the four on its own.
    """

    brightness: float = 32
    contrast: float = 0.5
    saturation: float = 0.5
    hue: float = 18
    probability: float = 0.5


def random_color_matrix(settings: Photometric, rng: np.random.Generator) -> Any:
    """A random change of colours -> the 3x4 matrix that acts on (R, G, B, 1), row by row; None for no change.

    Brightness comes before contrast, as in the released SSD; the order of the others makes no difference, for
    contrast scales everything, and hue and saturation turn and scale colour within the plane of equal luma.
    """
    largest = np.array([settings.brightness, settings.contrast, settings.saturation, settings.hue])
    change = largest * rng.uniform(-1, 1, 4) * (rng.random(4) < settings.probability)
    if not change.any():
        return None
    brightness, contrast, saturation, hue = change
    matrix = (1 + contrast) * (hue_matrix(np.deg2rad(hue)) @ saturation_matrix(1 + saturation))
    shift = np.full((3, 1), (1 + contrast) * brightness)  # a grey: hue and saturation leave it as it is
    return tuple(np.hstack([matrix, shift]).ravel().tolist())


def saturation_matrix(factor: float) -> np.ndarray:
    """(3, 3) matrix that moves colours away from (factor > 1) or towards (< 1) the grey of equal luma."""
    return factor * np.eye(3) + (1 - factor) * LUMA  # LUMA in every row: each channel gets the same


def hue_matrix(angle: float) -> np.ndarray:
    """(3, 3) matrix that turns colours by `angle` (radians) around the grey axis; luma and greys stay.

    It is the rotation around (1, 1, 1), which would keep the mean of the channels, seen through a shear that
    adds luma - mean to each channel: a colour's mean then becomes its luma, and that is what is kept.
    """
    axis = np.full(3, 1 / np.sqrt(3))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    rotation = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross  # Rodrigues' formula
    luma_minus_mean = np.ones((3, 1)) * (LUMA - 1 / 3)
    shear = np.eye(3) + luma_minus_mean
    shear_back = np.eye(3) - luma_minus_mean  # the inverse, for luma_minus_mean squared is 0
    return shear_back @ rotation @ shear
