"""Pixels around zero."""

import numpy as np


def normalize_pixels(images, mean, scale):
    """Centre and scale pixels: (x - mean) * scale, each channel with numbers of its own.

    images: (N, H, W, C) uint8, 0..255; mean, scale: (C,) floats, measured once on the training images
    -> (N, H, W, C) floats

    uint8 has no room for negative numbers: 3 - 5 is 254 there.  So the pixels have to become floats before anything
    is taken away from them.
    """
    raise NotImplementedError("make floats of the pixels, then subtract and multiply")
