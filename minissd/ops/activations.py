"""Element-wise activations.  x of any shape; y and dx have the same."""

from numbers import Real

from minissd.arguments import Cache, floats, gradient_of
from minissd.device import Array, array_module


def relu(x: Array) -> tuple[Array, Cache]:
    """max(x, 0).  The cache is y itself: the next layer keeps it anyway, and y > 0 exactly where x > 0."""
    y = floats("relu", x=x).maximum(x, 0)
    return y, y


def relu_backward(dy: Array, y: Array) -> Array:
    """dx = dy where x > 0, else 0 (at the kink x = 0 we take 0)."""
    array_module(dy, y)
    return gradient_of("relu", dy, y.shape, y.dtype) * (y > 0)


def leaky_relu(x: Array, slope: float = 0.1) -> tuple[Array, Cache]:
    """x where x > 0, slope * x elsewhere (YOLO: slope 0.1)."""
    if not isinstance(slope, Real):
        raise TypeError(f"leaky_relu needs a number as slope, got {slope!r}")
    xp, slope = floats("leaky_relu", x=x), float(slope)  # a NumPy float64 would promote float32
    return xp.where(x > 0, x, x * slope), (x, slope)


def leaky_relu_backward(dy: Array, cache: Cache) -> Array:
    x, slope = cache
    xp, dy = array_module(dy, x), gradient_of("leaky_relu", dy, x.shape, x.dtype)
    return xp.where(x > 0, dy, dy * slope)


def sigmoid(x: Array) -> tuple[Array, Cache]:
    """1 / (1 + exp(-x)), computed through tanh, which cannot overflow."""
    y = floats("sigmoid", x=x).tanh(x * 0.5) * 0.5 + 0.5
    return y, y


def sigmoid_backward(dy: Array, y: Array) -> Array:
    """dy/dx = y (1 - y)."""
    dy = gradient_of("sigmoid", dy, y.shape, y.dtype)
    return dy * y * (1 - y)
