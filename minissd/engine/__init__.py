"""The operations as layers call them: names and results of `minissd.ops`, as fast as the machine allows.

What computes them can be exchanged for a block:

    with engine.use("reference"):  # minissd.ops itself, which says what is computed in the fewest lines
    with engine.use({"relu": my_relu, "relu_backward": my_relu_backward}):  # functions of your own for some of them

A network, its training and its gradient check then run on those.  Caches belong to the functions that made them: a
forward pass and its backward pass have to lie in the same block.
"""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

from minissd import ops
from minissd.engine import fast
from minissd.engine.convolution import ALGORITHMS
from minissd.ops import col2im, effective_kernel, fold_batch_norm, im2col, output_size  # noqa: F401 (in ops.__all__)

ENGINES = ("fast", "reference")
HINTS = ("algorithm", "in_place", "need_dx")  # options of the fast functions, which others are not given
_ARITHMETIC = ("col2im", "effective_kernel", "fold_batch_norm", "im2col", "output_size")  # not exchanged
OPERATIONS = tuple(name for name in ops.__all__ if name not in _ARITHMETIC)

_exchanged: ContextVar[Mapping[str, Callable] | None] = ContextVar("minissd.engine", default=None)


@contextmanager
def use(engine):
    """Within the block, this engine computes the operations.

    engine: "fast"; "reference"; or {name: function}, functions that take and return what those of `minissd.ops` do, in
    place of what computed these names before.  An operation and its backward pass are exchanged together.  The choice
    holds for the thread, or asynchronous task, that makes it.  ValueError for a name that is not known.
    """
    token = _exchanged.set(_functions_of(engine))
    try:
        yield
    finally:
        _exchanged.reset(token)


def _functions_of(engine):
    """{name: the function that replaces the fast one}."""
    if isinstance(engine, str):
        if engine not in ENGINES:
            raise ValueError(f"engine must be one of {', '.join(ENGINES)} or a mapping of functions, got {engine!r}")
        return {} if engine == "fast" else {name: getattr(ops, name) for name in OPERATIONS}
    for name in engine:
        if name not in OPERATIONS:
            raise ValueError(f"engine.use: there is no operation {name!r}; there are {', '.join(OPERATIONS)}")
        partner = name.removesuffix("_backward") if name.endswith("_backward") else f"{name}_backward"
        if partner in OPERATIONS and partner not in engine:
            raise ValueError(f"engine.use: {name!r} needs {partner!r} beside it, for they share a cache")
    return {**(_exchanged.get() or {}), **engine}


def _exchangeable(name):
    """The function that layers call by this name."""
    is_fast = name in fast.__all__
    ours = getattr(fast if is_fast else ops, name)
    hints = HINTS if is_fast else ()

    @wraps(ours)
    def operation(*arguments, **options):
        exchanged = _exchanged.get()
        if not exchanged or name not in exchanged:
            return ours(*arguments, **options)
        return exchanged[name](*arguments, **{key: value for key, value in options.items() if key not in hints})

    return operation


add = _exchangeable("add")
add_backward = _exchangeable("add_backward")
avg_pool2d = _exchangeable("avg_pool2d")
avg_pool2d_backward = _exchangeable("avg_pool2d_backward")
batch_norm = _exchangeable("batch_norm")
batch_norm_backward = _exchangeable("batch_norm_backward")
binary_cross_entropy = _exchangeable("binary_cross_entropy")
binary_cross_entropy_backward = _exchangeable("binary_cross_entropy_backward")
concatenate = _exchangeable("concatenate")
concatenate_backward = _exchangeable("concatenate_backward")
conv2d = _exchangeable("conv2d")
conv2d_backward = _exchangeable("conv2d_backward")
conv_transpose2d = _exchangeable("conv_transpose2d")
conv_transpose2d_backward = _exchangeable("conv_transpose2d_backward")
cross_entropy = _exchangeable("cross_entropy")
cross_entropy_backward = _exchangeable("cross_entropy_backward")
depthwise_conv2d = _exchangeable("depthwise_conv2d")
depthwise_conv2d_backward = _exchangeable("depthwise_conv2d_backward")
dropout = _exchangeable("dropout")
dropout_backward = _exchangeable("dropout_backward")
global_avg_pool2d = _exchangeable("global_avg_pool2d")
global_avg_pool2d_backward = _exchangeable("global_avg_pool2d_backward")
l2_normalize = _exchangeable("l2_normalize")
l2_normalize_backward = _exchangeable("l2_normalize_backward")
leaky_relu = _exchangeable("leaky_relu")
leaky_relu_backward = _exchangeable("leaky_relu_backward")
linear = _exchangeable("linear")
linear_backward = _exchangeable("linear_backward")
log_softmax = _exchangeable("log_softmax")
max_pool2d = _exchangeable("max_pool2d")
max_pool2d_backward = _exchangeable("max_pool2d_backward")
relu = _exchangeable("relu")
relu_backward = _exchangeable("relu_backward")
sigmoid = _exchangeable("sigmoid")
sigmoid_backward = _exchangeable("sigmoid_backward")
smooth_l1 = _exchangeable("smooth_l1")
smooth_l1_backward = _exchangeable("smooth_l1_backward")
softmax = _exchangeable("softmax")
spatial_dropout = _exchangeable("spatial_dropout")
spatial_dropout_backward = _exchangeable("spatial_dropout_backward")
upsample2d = _exchangeable("upsample2d")
upsample2d_backward = _exchangeable("upsample2d_backward")

__all__ = ["ALGORITHMS", "ENGINES", "OPERATIONS", "use"]
__all__ += ops.__all__
