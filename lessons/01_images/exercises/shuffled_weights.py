"""A layer that does not notice that its pixels were shuffled."""

import numpy as np


def shuffled_weights(w, order):
    """The weights with which a linear layer answers on shuffled pixels what w answers on the pixels in place.

        x[:, order] @ shuffled_weights(w, order) = x @ w    for every x (N, K)

    w: (K, D), row k belongs to pixel k; order: (K,) a permutation, position j of a shuffled image shows pixel order[j]
    -> (K, D)

    That such weights exist is the point: to a fully connected layer neighbouring pixels are nothing special.
    """
    raise NotImplementedError("every row of w follows its pixel")
