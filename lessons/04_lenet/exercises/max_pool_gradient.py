"""The way back through max pooling."""

import numpy as np


def max_pool_gradient(dy, x, kernel, stride):
    """The gradient of the loss with respect to x, where y = max_pool(x, kernel, stride), without padding.

    Raise the largest cell of a window a little, and y rises as much; raise another, and y stays.  So each number of dy
    belongs to one cell of x.  A cell that wins in several windows moved several outputs.  Of equal cells the first in
    reading order (row by row) counts as the winner, and it alone.

    dy: (N, OH, OW, C), d(loss)/dy; x: (N, H, W, C); kernel, stride: ints -> dx (N, H, W, C).  Every channel of every
    image is a map of its own.
    """
    raise NotImplementedError("send each number of dy to the cell that won")
