"""One step of stochastic gradient descent with momentum and weight decay."""

import numpy as np


def sgd_step(p, v, g, lr, momentum, weight_decay):
    """p: parameters, v: their velocity, g: the gradient of the loss, arrays of one shape -> new p, new v.

        v <- momentum * v + (g + weight_decay * p)
        p <- p - lr * v                                  with the new v

    weight_decay * p is the gradient of weight_decay / 2 * sum(p^2), which pulls every weight towards 0.
    Return new arrays; leave the arguments as they are.
    """
    raise NotImplementedError("first the velocity, then the parameters")
