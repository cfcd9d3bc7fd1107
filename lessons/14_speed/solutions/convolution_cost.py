def convolution_cost(x_shape, w_shape, stride=1, pad=0):
    (n, h, w, c), (k, _, _, d) = x_shape, w_shape
    oh, ow = ((size + 2 * pad - k) // stride + 1 for size in (h, w))
    multiply_adds = n * oh * ow * d * k * k * c
    return multiply_adds, 4 * (n * h * w * c + k * k * c * d + n * oh * ow * d)
