"""A scene of known colours, a red box and a blue one on grey, by which pixels, boxes and masks can be told."""

import numpy as np

RED, BLUE, GREY = (220, 20, 20), (20, 20, 220), (128, 128, 128)
RED_BOX, BLUE_BOX = (10, 20, 60, 50), (90, 70, 150, 110)  # x_min, y_min, x_max, y_max in pixels


def scene(scale=1):
    """(120, 160, 3) uint8, times `scale`."""
    pixels = np.full((120, 160, 3), GREY, np.uint8)
    for (x_min, y_min, x_max, y_max), colour in ((RED_BOX, RED), (BLUE_BOX, BLUE)):
        pixels[y_min:y_max, x_min:x_max] = colour
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def as_stored(pixels, orientation):
    """The pixels of a file with that EXIF orientation whose picture is `pixels`: the way back from what is shown."""
    return {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.swapaxes(0, 1),
        6: np.rot90(pixels),
        7: pixels[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(pixels, -1),
    }[orientation]
