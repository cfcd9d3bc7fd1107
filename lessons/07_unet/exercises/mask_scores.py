"""How good is a mask?"""


def mask_scores(found, truth):
    """(IoU, Dice) of the object pixels of two masks, as floats.

    found (H, W): 0 or 1.  truth (H, W): 0, 1, or 255 where nobody can tell; those pixels do not count.
    With F the object pixels found, T the true ones, both among the known pixels:

        IoU = |F and T| / |F or T|          Dice = 2 |F and T| / (|F| + |T|)

    Both are NaN where there is neither.
    """
    raise NotImplementedError("count pixels")
