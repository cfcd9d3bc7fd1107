"""What do the neighbours say?"""

import numpy as np


def knn_vote(queries, known, labels, count):
    """Each query gets the label that most of its `count` nearest known vectors have.

        cos(q, k) = q . k / (|q| |k|)          nearest: the largest cosine, so the smallest angle

    Of labels with equally many votes that of the nearest voter among them wins.

    queries: (N, D); known: (M, D), no vector is 0; labels: (M,) ints 0.. of the known ones; count: int, at most M
    -> (N,) labels.
    """
    raise NotImplementedError("find the neighbours, count the votes")
