"""From scores to probabilities."""

import numpy as np


def softmax_rows(logits):
    """The softmax of every row.

        p_u = exp(z_u) / sum over v of exp(z_v)

    logits: (N, K), one row of scores for each image -> (N, K), rows that sum to 1

    exp(1000) is infinite.  Softmax does not change when a number is taken away from all logits of a row, so take away
    the largest of the row first: then the largest exponent is 0.
    """
    raise NotImplementedError("exponentials, divided by the sum of their row")
