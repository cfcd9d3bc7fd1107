"""How many numbers does a convolutional layer learn?"""


def parameter_count(k, c_in, c_out):
    """The parameters of a convolutional layer: weights (k, k, c_in, c_out) and a bias for each output channel.

    k: the side of the square kernels; c_in, c_out: channels in and out; ints -> int

    The size of the image does not occur: the same kernels look at every place.
    """
    raise NotImplementedError("count the weights and the biases")
