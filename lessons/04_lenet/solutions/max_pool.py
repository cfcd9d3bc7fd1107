import numpy as np


def max_pool(x, kernel, stride, pad=0):
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), constant_values=-np.inf)
    rows, columns = ((n - kernel) // stride + 1 for n in padded.shape[1:3])
    y = np.empty((len(x), rows, columns, x.shape[3]))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            y[:, i, j] = padded[:, top : top + kernel, left : left + kernel].max(axis=(1, 2))
    return y
