"""What every reader of boxes does with them: clipping to the picture, naming faults, turning."""

import numpy as np

NO_EXTENT = "boxes without extent, dropped"
OUTSIDE = "boxes outside of the image, dropped"
OVER_THE_EDGE = "boxes reaching over the edge of the image, clipped"


def clip_corners(corners, has_extent):
    """Corners in units of the picture, clipped to it, and what was wrong with which.

    corners: (G, 4), not clipped; has_extent: (G,) bool, what the annotation itself counts as a box.  Returns
    clipped (G, 4) float32 in [0, 1], usable (G,) bool, and a dict of each remark to the boxes it is made on,
    (G,) bool.
    """
    clipped = np.clip(corners, 0, 1).astype(np.float32)
    usable = has_extent & (clipped[:, 2:] > clipped[:, :2]).all(axis=1)
    faults = {
        NO_EXTENT: ~has_extent,
        OUTSIDE: has_extent & ~usable,
        OVER_THE_EDGE: usable & ((corners < 0) | (corners > 1)).any(axis=1),
    }
    return clipped, usable, faults


def turn_corners(corners, orientation):
    """Corners on the stored pixels -> corners on the picture as shown, for the EXIF orientations 5..8."""
    turned = corners[:, [1, 0, 3, 2]]  # x and y change places (5)
    if orientation in (6, 7):
        turned[:, [0, 2]] = 1 - turned[:, [2, 0]]
    if orientation in (7, 8):
        turned[:, [1, 3]] = 1 - turned[:, [3, 1]]
    return turned
