"""The way back through ReLU."""


def relu_gradient(dy, x):
    """The gradient of the loss with respect to x, where y = relu(x) = max(x, 0), entry by entry.

        dx = dy where x > 0, else 0         at the kink x = 0, where there is no slope, we take 0

    dy: d(loss)/dy, of the shape of x; x: what went in, any shape -> dx, of the same shape.
    """
    raise NotImplementedError("let pass what was let through")
