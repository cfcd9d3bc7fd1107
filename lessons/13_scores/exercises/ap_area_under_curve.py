"""Average precision as an area."""

import numpy as np


def ap_area_under_curve(recall, precision):
    """Average precision as VOC counts since 2010: the area under the interpolated curve.

    recall, precision (K,), best-scoring detection first, so that the recall never falls -> float.

        p(r) = the highest precision at any recall >= r;        AP = sum over k of (recall_k - recall_{k-1}) p(recall_k)

    with recall_0 = 0 before the first detection.
    """
    raise NotImplementedError("make the curve fall, then add up its steps")
