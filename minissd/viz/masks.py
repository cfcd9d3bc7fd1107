"""Masks laid over images: what a network says each pixel shows, beside the truth.

Drawn with Pillow and NumPy at the size of a panel.  A mask (H, W) uint8: 0 background, k the k-th class, VOID unknown.
"""

import numpy as np
from PIL import Image

from minissd.metrics.segmentation import VOID
from minissd.viz.boxes import panel_sized, side_by_side
from minissd.viz.style import class_colour, drawable, rgb

OPACITY = 0.5  # of the colour within an outline
OUTLINE = 2  # pixels
VOID_COLOUR = "#FFFFFF"


def masks_beside_truth(image, found, truth, classes, title="", note=""):
    """`image` (H, W, 3) uint8 three times: as it is, with its true mask, with the mask that was found.

    found, truth: masks of any one size; note: a remark on what was found.  Returns a Pillow image, a row of a
    `minissd.viz.boxes.detection_sheet`.
    """
    picture = panel_sized(image, side=400)
    names = ", ".join(drawable(classes[k - 1]) for k in np.unique(truth) if 0 < k < VOID)
    return side_by_side(
        [
            (picture, "image"),
            (overlay(picture, truth), f"ground truth: {names or 'background alone'}"),
            (overlay(picture, found), f"found{': ' if note else ''}{note}"),
        ],
        title,
    )


def overlay(picture, mask):
    """A copy of the Pillow image `picture` with a mask on it: each class in its colour, its outline opaque."""
    mask = np.asarray(Image.fromarray(mask).resize(picture.size, Image.Resampling.NEAREST))
    colours = np.array([(0, 0, 0), *(rgb(class_colour(k)) for k in range(VOID - 1)), rgb(VOID_COLOUR)])  # (256, 3)
    share = np.where(mask == 0, 0, np.where(_outline(mask), 1, OPACITY))[..., None]
    mixed = (1 - share) * np.asarray(picture) + share * colours[mask]
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def _outline(mask):
    """(H, W) bool: the pixels within OUTLINE of another class, up, down, left or right."""
    edge = np.zeros(mask.shape, bool)
    for step in range(1, OUTLINE + 1):
        for a, b in ((np.s_[step:], np.s_[:-step]), (np.s_[:, step:], np.s_[:, :-step])):
            differ = mask[a] != mask[b]
            edge[a] |= differ
            edge[b] |= differ
    return edge
