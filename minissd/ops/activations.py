"""Element-wise activations.  x of any shape; y and dx have the same."""

from numbers import Real

from minissd.arguments import Cache, as_gradient, module_of
from minissd.device import Array, array_module


def relu(x: Array) -> tuple[Array, Cache]:
    """max(x, 0).  The cache is y itself: the next layer keeps it anyway, and y > 0 exactly where x > 0."""
    y = module_of("relu", x=x).maximum(x, 0)
    return y, y


def relu_backward(dy: Array, y: Array) -> Array:
    """dx = dy where x > 0, else 0 (at the kink x = 0 we take 0)."""
    array_module(dy, y)  # TypeError where they lie on two devices
    return as_gradient("relu", dy, y.shape, y.dtype) * (y > 0)


def leaky_relu(x: Array, slope: float = 0.1) -> tuple[Array, Cache]:
    """x where x > 0, slope * x elsewhere (YOLO: slope 0.1)."""
    if not isinstance(slope, Real):
        raise TypeError(f"leaky_relu needs a number as slope, got {slope!r}")
    xp, slope = module_of("leaky_relu", x=x), float(slope)  # a NumPy float64 would promote float32
    return xp.where(x > 0, x, x * slope), (x, slope)


def leaky_relu_backward(dy: Array, cache: Cache) -> Array:
    """dx = dy where x > 0, slope * dy elsewhere."""
    x, slope = cache
    xp, dy = array_module(dy, x), as_gradient("leaky_relu", dy, x.shape, x.dtype)
    return xp.where(x > 0, dy, dy * slope)


def sigmoid(x: Array) -> tuple[Array, Cache]:
    """1 / (1 + exp(-x)), computed through tanh, which cannot overflow."""
    y = module_of("sigmoid", x=x).tanh(x * 0.5) * 0.5 + 0.5
    return y, y


def sigmoid_backward(dy: Array, y: Array) -> Array:
    """dx = dy y (1 - y)."""
    return as_gradient("sigmoid", dy, y.shape, y.dtype) * y * (1 - y)


def relu6(x: Array) -> tuple[Array, Cache]:
    """min(max(x, 0), 6).  The cache is y: 0 < y < 6 exactly where 0 < x < 6."""
    y = module_of("relu6", x=x).clip(x, 0, 6)
    return y, y


def relu6_backward(dy: Array, y: Array) -> Array:
    """dx = dy where 0 < x < 6, else 0."""
    return as_gradient("relu6", dy, y.shape, y.dtype) * ((y > 0) & (y < 6))


def hard_sigmoid(x: Array) -> tuple[Array, Cache]:
    """x / 6 + 1/2 cut to 0..1: a sigmoid of three straight lines (Howard et al. 2019, MobileNetV3, section 5.2)."""
    y = module_of("hard_sigmoid", x=x).clip(x / 6 + 0.5, 0, 1)
    return y, y


def hard_sigmoid_backward(dy: Array, y: Array) -> Array:
    """dx = dy / 6 where -3 < x < 3, else 0."""
    return as_gradient("hard_sigmoid", dy, y.shape, y.dtype) * ((y > 0) & (y < 1)) / 6


def hard_swish(x: Array) -> tuple[Array, Cache]:
    """x times its hard sigmoid g (the same section): nearly a ReLU, but smooth at 0."""
    g, _ = hard_sigmoid(x)
    return x * g, (x, g)


def hard_swish_backward(dy: Array, cache: Cache) -> Array:
    """dx = dy (g + x g'): (1) through the factor x, (2) through g, which rises by 1/6 where 0 < g < 1."""
    x, g = cache
    return as_gradient("hard_swish", dy, x.shape, x.dtype) * (g + x * ((g > 0) & (g < 1)) / 6)
