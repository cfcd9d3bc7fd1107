"""Lay a picture on a larger canvas, and its boxes with it."""

import numpy as np


def zoom_out(image, corners, side, left, top, color):
    """A canvas with the picture somewhere on it, and the boxes in units of the canvas.

    image (H, W, 3) uint8.  corners (G, 4) in parts of the picture.  side: a whole number; the canvas has `side` times
    the height and the width of the picture.  left, top: the pixel of the canvas where the first pixel of the picture
    lies.  color: three numbers 0..255, what the rest of the canvas is filled with.
    Returns canvas (side*H, side*W, 3) uint8 and corners (G, 4).

    A point at x of the picture lies x * W + left pixels from the left edge of the canvas, which is side * W wide.
    """
    raise NotImplementedError("fill the canvas, put the picture in, convert the boxes")
