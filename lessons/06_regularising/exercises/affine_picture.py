"""A picture through an affine map."""

import numpy as np


def affine_picture(image, matrix, fill):
    """Move the pixels of a picture: every pixel of the new picture asks the old one where it came from.

        x' = a x + b y + c          matrix = [[a, b, c],
        y' = d x + e y + f                    [d, e, f]]        x to the right, y down, in pixels

    Pixel (row i, column j) covers j to j + 1 and i to i + 1; its centre is (j + 1/2, i + 1/2).  The new pixel takes
    the value of the old pixel in which the INVERSE map puts its centre, or `fill` where there is none.

    image: (H, W) ints; matrix: (2, 3); fill: int -> (H, W) ints.
    """
    raise NotImplementedError("ask the inverse map for every pixel")
