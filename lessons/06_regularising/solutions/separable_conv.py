import numpy as np


def separable_conv(x, depthwise, pointwise):
    kh, kw, channels = depthwise.shape
    oh, ow = x.shape[0] - kh + 1, x.shape[1] - kw + 1
    z = np.zeros((oh, ow, channels))
    for u, v in np.ndindex(kh, kw):
        z += x[u : u + oh, v : v + ow] * depthwise[u, v]
    return z @ pointwise
