"""How surprised is the network by the truth?"""

import numpy as np


def cross_entropy_loss(logits, labels):
    """The mean over the images of -log(probability that the network gives to the true class).

        loss = -1/N * sum over i of log p[i, labels[i]],    log p_u = z_u - log(sum over v of exp(z_v))

    logits: (N, K); labels: (N,) integers 0..K-1 -> a number

    log(softmax) written as log of a quotient is log(0) where a logit is far behind.  The difference on the right never
    is, once the largest logit of the row has been taken away.
    """
    raise NotImplementedError("the log-probabilities, then those of the labels, then their mean")
