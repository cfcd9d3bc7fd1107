import numpy as np


def max_pool_gradient(dy, x, kernel, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        top, left = i * stride, j * stride
        window = x[top : top + kernel, left : left + kernel]
        row, column = divmod(int(window.argmax()), kernel)
        dx[top + row, left + column] += dy[i, j]
    return dx
