"""Features of many numbers, drawn flat."""

import numpy as np


def pca_project(features, number):
    """Project points onto the directions in which they vary most (principal components).

        X = features - mean          (n, D)
        X = U S V^T                  singular value decomposition, S from the largest down
        scores = X V                 column i: the coordinate along component i, with variance S_i^2 / n

    The sign of each component is free.  features: (n, D), n > D; number: how many components, at most D
    -> (n, number), the component of the largest variance first.
    """
    raise NotImplementedError("centre, find the directions, project")
