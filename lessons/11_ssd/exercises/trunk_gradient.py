"""The gradient at the input of a trunk whose maps are read twice."""

import numpy as np


def trunk_gradient(d_heads, stages):
    """Back through an SSD in miniature.  Its stages are matrices, and each map is read by a head and by the next stage:

        x_1 = stages[0] @ x_0,    x_2 = stages[1] @ x_1,    ...

    d_heads: a list; d_heads[l] is the gradient that the head of map l + 1 sends to the map it reads, shaped like that
    map.  stages: the list of matrices.  Returns the gradient of the loss with respect to x_0.

    A map that is read twice receives two gradients, and they add up: that of its head, and what comes back from the
    next stage.  From a map to the one before it the way is stages[l].T.
    """
    raise NotImplementedError("from the last map to the first: add the head's gradient, go back through the stage")
