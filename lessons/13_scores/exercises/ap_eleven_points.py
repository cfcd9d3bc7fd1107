"""Average precision at eleven recalls."""

import numpy as np


def ap_eleven_points(recall, precision):
    """Average precision as VOC 2007 counts: at the recalls 0, 0.1, ..., 1.

    recall, precision (K,), best-scoring detection first, so that the recall never falls -> float.

        AP = 1/11  sum over k = 0..10 of   max of the precisions whose recall is >= k / 10      (0 if there is none)
    """
    raise NotImplementedError("for each of the eleven recalls, the best precision at or beyond it")
