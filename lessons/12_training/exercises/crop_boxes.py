"""The objects of a patch."""

import numpy as np


def crop_boxes(corners, labels, patch):
    """Which objects belong to a patch of the picture, and where they lie in it.

    corners (G, 4), labels (G,), patch (4,); corners are x_min, y_min, x_max, y_max in parts of the picture.
    Returns corners (K, 4) in parts of the patch, and labels (K,), in the same order:

    1. the centre rule: an object stays if its centre lies in the patch or on its edge;
    2. its box is measured from the patch, x' = (x - x_min of the patch) / width of the patch, likewise y;
    3. what sticks out is clipped to 0..1.
    """
    raise NotImplementedError("centre rule, new units, clip")
