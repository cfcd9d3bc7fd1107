import numpy as np


def transposed_conv(x, kernel, stride):
    (h, w), k = x.shape, len(kernel)
    y = np.zeros(((h - 1) * stride + k, (w - 1) * stride + k))
    for i, j in np.ndindex(h, w):
        y[i * stride : i * stride + k, j * stride : j * stride + k] += x[i, j] * kernel
    return y
