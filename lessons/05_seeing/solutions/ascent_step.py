import numpy as np


def ascent_step(x, gradient, rate):
    rms = np.sqrt((gradient**2).mean())
    return x + rate * gradient / max(rms, 1e-12)
