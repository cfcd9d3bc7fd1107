"""What is saved."""


def separable_cost(height, width, kernel, c_in, c_out):
    """Multiplications of an ordinary and of a depthwise separable convolution, both "same", stride 1, square kernel.

    Every number that a convolution outputs is a sum of products: of kernel x kernel x c_in in the ordinary one, of
    kernel x kernel in the depthwise step, of c_in in the pointwise step.  Padded cells are counted like others.

    height, width: of the maps; kernel: k; c_in, c_out: channels; all ints -> (ordinary, separable), ints.
    """
    raise NotImplementedError("count the products of both")
