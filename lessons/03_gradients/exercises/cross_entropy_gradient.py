"""The backward pass of softmax and cross-entropy together."""

import numpy as np


def cross_entropy_gradient(logits, labels):
    """The gradient of the mean cross-entropy with respect to the logits.

        loss = -1/N * sum over i of log softmax(z_i)[label_i]
        d loss / d z[i, u] = (p[i, u] - [u = label_i]) / N,    p = softmax(z)

    logits: (N, K); labels: (N,) integers 0..K-1 -> (N, K)

    What the network said minus what is true: the shortest derivative in this course, and the one that starts every
    backward pass.
    """
    raise NotImplementedError("the probabilities, minus 1 at the labels, divided by N")
