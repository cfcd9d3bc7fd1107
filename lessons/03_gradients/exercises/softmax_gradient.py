"""The backward pass of softmax."""

import numpy as np


def softmax_gradient(dp, p):
    """From the gradient of the probabilities to that of the logits.

    dp, p: (N, K), p = softmax(z) row by row -> dz: (N, K)

    Every probability depends on every logit of its row:

        d p_v / d z_u = p_v ([u = v] - p_u)

    so dz_u = sum over v of dp_v p_v ([u = v] - p_u).  Take the sum apart: the first term is left of it where v = u, the
    second is the same sum for all u.  No (K, K) matrix is needed.
    """
    raise NotImplementedError("p times what is left of dp after a mean has been taken away")
