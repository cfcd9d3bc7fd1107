"""Saliency maps laid over the images that they explain."""

import numpy as np
from PIL import ImageDraw

from minissd.viz.boxes import draw_boxes
from minissd.viz.style import BLUE, VERMILION, rgb
from minissd.viz.tiles import TILE, tile

OPACITY = 0.85  # of the strongest value
FOUND, TRUE = 0, 1  # numbers of their colours


def saliency_tile(image, heat):
    """image (S, S, C) uint8 in grey, and over it heat (S, S): red where it speaks for the answer, blue against.

    The strongest value of either sign has the strongest colour; a cross marks the maximum.  -> Pillow image
    """
    strongest = np.abs(heat).max() or 1.0
    strength = OPACITY * np.abs(heat / strongest)[..., None]
    colour = np.where(heat[..., None] > 0, rgb(VERMILION), rgb(BLUE))
    pale = 96 + 0.6 * image.mean(axis=-1, keepdims=True)  # so that the colours stand out, in dark images too
    mixed = (1 - strength) * pale + strength * colour
    picture = tile(mixed.round().astype(np.uint8))
    return _with_cross(picture, heat) if heat.any() else picture


def answer_tile(image, corners, truth):
    """The image (S, S, C) uint8; for a detector with the true boxes (G, 4) and, over them, the answer's box (4,)."""
    picture = tile(image)
    if corners is None:
        return picture
    boxes = np.concatenate([np.asarray(corners)[None], truth])
    texts = ["found"] + ["true"] * len(truth) if len(truth) <= 3 else [""] * len(boxes)
    return draw_boxes(picture, boxes, [FOUND] + [TRUE] * len(truth), texts, thin=True)


def _with_cross(picture, heat):
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    x, y = ((place + 0.5) / side * TILE for place, side in ((column, heat.shape[1]), (row, heat.shape[0])))
    draw = ImageDraw.Draw(picture)
    for colour, width in (("black", 5), ("white", 2)):
        for dx, dy in ((9, 0), (0, 9)):
            draw.line((x - dx, y - dy, x + dx, y + dy), fill=colour, width=width)
    return picture
