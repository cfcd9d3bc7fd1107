"""How many windows fit along one axis?"""


def output_size(n, k, stride=1, pad=0, dilation=1):
    """The number of places at which a kernel of k taps can stand on n cells.

    pad cells are added at both ends, neighbouring places are `stride` cells apart, neighbouring taps `dilation` cells:

        extent = k + (k - 1)(dilation - 1)
        size = floor((n + 2 pad - extent) / stride) + 1

    n, k, stride, pad, dilation: ints, and at least one window fits -> int.
    """
    raise NotImplementedError("count the places")
