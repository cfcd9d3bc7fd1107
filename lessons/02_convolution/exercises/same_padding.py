"""How much padding keeps the size?"""


def same_padding(k, dilation=1):
    """The cells to add before the first and after the last, so that at stride 1 the output is as long as the input.

        extent = k + (k - 1)(dilation - 1)
        before = floor((extent - 1) / 2),    after = floor(extent / 2)

    k, dilation: ints, at least 1 -> (before, after), ints

    Together they are extent - 1, for one window more fits with every cell that is added.  An even extent cannot be
    split evenly: the lecture puts the odd cell at the end.
    """
    raise NotImplementedError("how long is the kernel, and how many cells does it cost?")
