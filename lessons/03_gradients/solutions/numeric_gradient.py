import numpy as np


def numeric_gradient(f, x, eps=1e-5):
    gradient = np.zeros(x.shape)
    moved = x.copy()
    for at in np.ndindex(x.shape):
        moved[at] = x[at] + eps
        high = f(moved)
        moved[at] = x[at] - eps
        low = f(moved)
        moved[at] = x[at]
        gradient[at] = (high - low) / (2 * eps)
    return gradient
