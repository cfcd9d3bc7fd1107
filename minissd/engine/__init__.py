"""The operations as layers call them: names and results of `minissd.ops`, as fast as the machine allows.

What computes them can be replaced, within a `with` block:

    with engine.use("reference"):  # minissd.ops itself, which says what is computed in the fewest lines
    with engine.use({"relu": my_relu, "relu_backward": my_relu_backward}):  # functions of your own for some of them

A network, its training and its gradient check then run on those.  Caches belong to the functions that made them: a
forward pass and its backward pass have to lie in the same block.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from minissd import ops
from minissd.engine import fast
from minissd.engine.convolution import ALGORITHMS
from minissd.engine.runtime import Runtime, choosing, current
from minissd.ops import col2im, effective_kernel, fold_batch_norm, im2col, output_size  # noqa: F401 (in ops.__all__)

ENGINES = ("fast", "reference")
# arguments of the fast functions alone: what replaces those is called without them
HINTS = ("algorithm", "bits", "in_place", "kept", "need_cache", "need_dx")
_ARITHMETIC = ("col2im", "effective_kernel", "fold_batch_norm", "im2col", "output_size")  # not exchanged
OPERATIONS = tuple(name for name in ops.__all__ if name not in _ARITHMETIC)

P = ParamSpec("P")  # the arguments of an operation, and what it returns
R = TypeVar("R")


@contextmanager
def use(engine: str | Mapping[str, Callable]) -> Iterator[None]:
    """Within the block, this engine computes the operations.

    engine: "fast"; "reference"; or {name: function}, functions that take and return what those of `minissd.ops` do, in
    place of what computed these names before.  An operation and its backward pass are replaced together.  The choice
    holds for the thread, or asynchronous task, that makes it.  ValueError for a name that is not known.
    """
    with choosing(functions=_functions_of(engine)):
        yield


def exchanged() -> bool:
    """Whether other functions stand in the place of some of the fast ones."""
    return bool(current().functions)


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
    return {**current().functions, **engine}


def _exchangeable(ours: Callable[P, R]) -> Callable[P, R]:
    """What layers call by the name of this function: it, or what stands in its place."""
    name = ours.__name__
    hints = HINTS if name in fast.__all__ else ()

    @wraps(ours)
    def operation(*arguments: P.args, **options: P.kwargs) -> R:
        functions = current().functions
        if name not in functions:
            return ours(*arguments, **options)
        return functions[name](*arguments, **{key: value for key, value in options.items() if key not in hints})

    return operation


add = _exchangeable(ops.add)
add_backward = _exchangeable(ops.add_backward)
avg_pool2d = _exchangeable(ops.avg_pool2d)
avg_pool2d_backward = _exchangeable(ops.avg_pool2d_backward)
batch_norm = _exchangeable(fast.batch_norm)
batch_norm_backward = _exchangeable(fast.batch_norm_backward)
binary_cross_entropy = _exchangeable(ops.binary_cross_entropy)
binary_cross_entropy_backward = _exchangeable(ops.binary_cross_entropy_backward)
concatenate = _exchangeable(ops.concatenate)
concatenate_backward = _exchangeable(ops.concatenate_backward)
conv2d = _exchangeable(fast.conv2d)
conv2d_backward = _exchangeable(fast.conv2d_backward)
conv_transpose2d = _exchangeable(fast.conv_transpose2d)
conv_transpose2d_backward = _exchangeable(fast.conv_transpose2d_backward)
cross_entropy = _exchangeable(ops.cross_entropy)
cross_entropy_backward = _exchangeable(ops.cross_entropy_backward)
depthwise_conv2d = _exchangeable(fast.depthwise_conv2d)
depthwise_conv2d_backward = _exchangeable(fast.depthwise_conv2d_backward)
dropout = _exchangeable(ops.dropout)
dropout_backward = _exchangeable(ops.dropout_backward)
global_avg_pool2d = _exchangeable(ops.global_avg_pool2d)
global_avg_pool2d_backward = _exchangeable(ops.global_avg_pool2d_backward)
hard_sigmoid = _exchangeable(ops.hard_sigmoid)
hard_sigmoid_backward = _exchangeable(ops.hard_sigmoid_backward)
hard_swish = _exchangeable(fast.hard_swish)
hard_swish_backward = _exchangeable(fast.hard_swish_backward)
l2_normalize = _exchangeable(ops.l2_normalize)
l2_normalize_backward = _exchangeable(ops.l2_normalize_backward)
leaky_relu = _exchangeable(ops.leaky_relu)
leaky_relu_backward = _exchangeable(ops.leaky_relu_backward)
linear = _exchangeable(fast.linear)
linear_backward = _exchangeable(fast.linear_backward)
log_softmax = _exchangeable(fast.log_softmax)
max_pool2d = _exchangeable(fast.max_pool2d)
max_pool2d_backward = _exchangeable(fast.max_pool2d_backward)
relu = _exchangeable(fast.relu)
relu_backward = _exchangeable(fast.relu_backward)
relu6 = _exchangeable(fast.relu6)
relu6_backward = _exchangeable(fast.relu6_backward)
scale_channels = _exchangeable(ops.scale_channels)
scale_channels_backward = _exchangeable(ops.scale_channels_backward)
sigmoid = _exchangeable(ops.sigmoid)
sigmoid_backward = _exchangeable(ops.sigmoid_backward)
smooth_l1 = _exchangeable(ops.smooth_l1)
smooth_l1_backward = _exchangeable(ops.smooth_l1_backward)
softmax = _exchangeable(fast.softmax)
spatial_dropout = _exchangeable(ops.spatial_dropout)
spatial_dropout_backward = _exchangeable(ops.spatial_dropout_backward)
upsample2d = _exchangeable(ops.upsample2d)
upsample2d_backward = _exchangeable(ops.upsample2d_backward)

__all__ = ["ALGORITHMS", "ENGINES", "OPERATIONS", "Runtime", "use"]
__all__ += ops.__all__
