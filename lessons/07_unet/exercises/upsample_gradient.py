"""The gradient of making copies."""


def upsample_gradient(dy, factor):
    """The gradient of upsampling, where each cell became factor x factor equal cells.

    dy (N, H * factor, W * factor, C) -> dx (N, H, W, C).

    A cell of x decides the values of all its copies, so its gradient is that of all of them together.
    """
    raise NotImplementedError("collect the gradients of the copies")
