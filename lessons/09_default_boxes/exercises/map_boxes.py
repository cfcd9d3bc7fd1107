"""All default boxes of one map."""

import numpy as np


def map_boxes(size, step, input_size, shapes):
    """The default boxes of a detection map: the same k shapes around the centre of every cell.

        c_x = (j + 0.5) * step / input_size        of column j
        c_y = (i + 0.5) * step / input_size        of row i

    size: (rows, columns) of the map; step: pixels of the input from one cell to the next; input_size: its side in
    pixels; shapes: (k, 2) widths and heights as parts of the input.  Returns centers (rows * columns * k, 4), ordered
    by row, then column, then shape, as the output of the map's head is.
    """
    raise NotImplementedError("put the shapes around every centre")
