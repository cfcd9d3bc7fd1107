"""A logarithm of softmax that survives large logits."""

import numpy as np


def stable_log_softmax(x):
    """The logarithm of softmax over the last axis.

        log p_u = x_u - log(sum_v exp(x_v))

    x (..., K) logits -> (..., K), same shape.  The formula as it stands overflows for logits of a thousand.  A number
    that is subtracted from all logits of a row does not change its probabilities: choose it so that nothing can happen.
    """
    raise NotImplementedError("subtract something first")
