import numpy as np


def max_pool(x, kernel, stride, pad):
    padded = np.pad(x, pad, constant_values=-np.inf)
    rows, columns = ((n - kernel) // stride + 1 for n in padded.shape)
    y = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            y[i, j] = padded[top : top + kernel, left : left + kernel].max()
    return y
