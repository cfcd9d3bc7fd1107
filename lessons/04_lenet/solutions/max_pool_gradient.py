import numpy as np


def max_pool_gradient(dy, x, kernel, stride):
    images, channels = len(x), x.shape[3]
    n, c = np.arange(images)[:, None], np.arange(channels)
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape[1:3]):
        top, left = i * stride, j * stride
        window = x[:, top : top + kernel, left : left + kernel].reshape(images, -1, channels)
        row, column = np.divmod(window.argmax(axis=1), kernel)  # (N, C)
        dx[n, top + row, left + column, c] += dy[:, i, j]
    return dx
