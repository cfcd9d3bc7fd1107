"""Where normalised boxes lie on the pixels of an image.  No picture is drawn here, so Matplotlib stays away."""

import numpy as np


def pixel_rectangles(corners, width, height):
    """First and last pixel of each box: corners (K, 4) -> (K, 4) int, x_first, y_first, x_last, y_last.

    Corners are edges: a box from 0 to 1 covers the columns 0..width - 1.  What sticks out of the image is cut
    off, and every box keeps at least one pixel.
    """
    edges = np.asarray(corners, dtype=float).reshape(-1, 2, 2).clip(0, 1)  # (K, 2 corners, x and y)
    edges = np.rint(edges * [width, height]).astype(int)
    first = np.minimum(edges[:, 0], [width - 1, height - 1])
    return np.concatenate([first, np.maximum(edges[:, 1] - 1, first)], axis=1)
