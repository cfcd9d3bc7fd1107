"""After each detection: how many were right, how many objects are found?"""

import numpy as np


def precision_recall(hits, objects):
    """Precision and recall after each detection, best-scoring first.

    hits (K,) bool: whether detection k hit an object.  objects: how many there are to find, an int.

        precision_k = hits among the first k / k,        recall_k = hits among the first k / objects

    Returns (precision (K,), recall (K,)).  Without any object the recalls are 0.
    """
    raise NotImplementedError("count the hits so far")
