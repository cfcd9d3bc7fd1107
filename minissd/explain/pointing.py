"""The pointing game (Zhang et al. 2016): does the maximum of a saliency map fall on the object?

A score says little without what guessing reaches: a point anywhere in the image hits with the object's share of the
area, and since photographers centre their subjects, the middle of the image is the better guess.
"""

from typing import NamedTuple

import numpy as np

from minissd.viz.pixels import pixel_rectangles


class Score(NamedTuple):
    """Shares of the images, each NaN for none."""

    hits: float
    chance: float  # of a point anywhere: mean share of the image that the object takes
    centre: float  # hits of the image's middle


def pointing_game(maps: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, Score]:
    """maps (N, S, S), objects (N, S, S) bool, true on the object -> hits (N,) bool and the `Score`."""
    if maps.shape != objects.shape:
        raise ValueError(f"each map needs the mask of its object: got {maps.shape} and {objects.shape}")
    n, side = len(maps), maps.shape[1]
    highest = maps.reshape(n, side * side).argmax(axis=1)
    hits = objects.reshape(n, side * side)[np.arange(n), highest]
    middle = objects[:, side // 2, side // 2]
    return hits, Score(*(float(part.mean()) if n else float("nan") for part in (hits, objects, middle)))


def box_mask(corners: np.ndarray, size: int) -> np.ndarray:
    """Normalised corners (G, 4) -> (size, size) bool, true inside any of the boxes."""
    mask = np.zeros((size, size), bool)
    for x_first, y_first, x_last, y_last in pixel_rectangles(corners, size, size):
        mask[y_first : y_last + 1, x_first : x_last + 1] = True
    return mask


def ink_mask(image: np.ndarray, threshold: int = 128) -> np.ndarray:
    """A grey image (S, S, 1) uint8, light on dark -> (S, S) bool, true on the ink."""
    return image[..., 0] >= threshold
