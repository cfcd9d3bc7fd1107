"""One scale for each map."""


def box_scales(maps, s_min=0.2, s_max=0.9):
    """The scales s_1 .. s_{L+1} of L detection maps: the sides of their square boxes, as parts of the input.

        s_l = s_min + (s_max - s_min) / (L - 1) * (l - 1)

    The first map has s_min, the last one s_max.  One scale more than there are maps is needed: each map also has a
    square between its own scale and the next.  maps: L, at least 2 -> list of L + 1 numbers.
    """
    raise NotImplementedError("return L + 1 scales in equal steps")
