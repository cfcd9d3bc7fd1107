"""How much work is a convolution, and how much memory does it touch?"""


def convolution_cost(x_shape, w_shape, stride=1, pad=0):
    """Multiply-adds and bytes of a convolution in float32, each array touched once.

    x_shape: (N, H, W, C).  w_shape: (K, K, C, D), a square kernel.  `pad` cells on all four sides.
    With OH and OW outputs, OH = floor((H + 2 pad - K) / stride) + 1:

        multiply-adds = every output (N OH OW D) times every weight it sees (K K C)
        bytes = 4 * (numbers in x + numbers in w + numbers in y)

    Returns (multiply_adds, bytes), two ints.  Their ratio tells whether arithmetic or memory is the limit.
    """
    raise NotImplementedError("count the products and the numbers")
