"""From what the heads output to one row for each default box."""

import numpy as np


def join_heads(outputs, numbers):
    """outputs: a list with the output of each head, (N, H, W, k*numbers); k and H, W differ from map to map.

    numbers: how many there are for each default box, 4 for offsets and C + 1 for logits.  The k boxes of a cell lie
    one after the other on the last axis.
    Returns (N, P, numbers): for each image all boxes of the first map, then those of the second, ...; within a map
    row by row, cell by cell, box by box.  P is the sum of H*W*k over the maps.
    """
    raise NotImplementedError("reshape each output, then put the maps one after the other")
