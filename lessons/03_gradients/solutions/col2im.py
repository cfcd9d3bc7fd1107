import numpy as np


def col2im(cols, x_shape, kernel, stride=1, dilation=1):
    n, height, width, c = x_shape
    kh, kw = kernel
    oh = (height - (kh - 1) * dilation - 1) // stride + 1
    ow = (width - (kw - 1) * dilation - 1) // stride + 1
    patches = cols.reshape(n, oh, ow, kh, kw, c)
    x = np.zeros(x_shape)
    for i, j, ky, kx in np.ndindex(oh, ow, kh, kw):
        x[:, i * stride + ky * dilation, j * stride + kx * dilation] += patches[:, i, j, ky, kx]
    return x
