"""How much of the input does one cell see?"""


def receptive_field(layers):
    """The number of input cells, along one axis, from the first to the last that one cell at the end depends on.

    layers: a list of (kernel, stride, dilation), ints, in the order in which the data goes through -> int.
    Keep two numbers while you walk through the layers: the field so far, and how many input cells lie between two
    neighbouring cells of the present map:

        field <- field + (k_eff - 1) * distance,    k_eff = k + (k - 1)(dilation - 1)
        distance <- distance * stride

    Both begin at 1: a cell of the input sees itself.
    """
    raise NotImplementedError("walk through the layers and let the field grow")
