"""The rules for the arguments of operations, and the messages for what breaks them.

    arrays   of one dtype, float32 or float64, which is that of the results too.  Others are refused, not converted:
             sums of whole numbers wrap, means of them are cut off, and pixels are no features until normalised
    targets  of a loss are taken in the dtype of the predictions, whatever numbers they are
    labels   whole numbers from 0 to the number of classes - 1
    dy       in the shape that forward returned, in any dtype of floats: it is taken in that of the forward pass

Asking a GPU about values would mean waiting for it.  There, invalid labels or targets make the loss NaN instead, which
ends a training with a message.
"""

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np

from minissd.device import Array, array_module

Cache = Any  # what a forward pass keeps for its backward pass, and nobody else looks into
Pair = int | Sequence[int]  # for both axes, or (vertical, horizontal)
Pad = Any  # an int, a pair, ((top, bottom), (left, right)) or "same"

FLOATS = np.dtype("float32"), np.dtype("float64")
ONE_KIND = [{dtype} for dtype in FLOATS]
PLAIN = np.ndarray, np.memmap


def module_of(operation: str, **arrays: Array | None) -> Any:
    """NumPy or CuPy, whichever made these arrays; TypeError unless all are float32 or all are float64."""
    given = [array for array in arrays.values() if array is not None]
    xp = array_module(*given)
    special = [type(one).__name__ for one in given if isinstance(one, np.ndarray) and type(one) not in PLAIN]
    if special:  # what a mask hides would be computed with, and a matrix multiplies by other rules
        raise TypeError(f"{operation} needs plain arrays, got {special[0]}: convert with numpy.asarray")
    if {getattr(array, "dtype", None) for array in given} not in ONE_KIND:
        named = ((name, array) for name, array in arrays.items() if array is not None)
        got = ", ".join(f"{name} {getattr(array, 'dtype', type(array).__name__)}" for name, array in named)
        raise TypeError(
            f"{operation} needs arrays of float32 or float64, all of one kind, got {got}: convert with astype"
        )
    return xp


def as_gradient(operation: str, dy: Array, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """dy in the dtype of a forward pass that returned this shape; ValueError if it has another."""
    array_module(dy)
    if getattr(dy, "shape", None) != shape:
        given = getattr(dy, "shape", type(dy).__name__)
        raise ValueError(f"{operation}_backward: dy has the shape {given}, but {operation} returned {shape}")
    if dy.dtype.kind != "f":
        raise TypeError(f"{operation}_backward needs a dy of floats, got {dy.dtype}: convert with astype")
    return dy if dy.dtype == dtype else dy.astype(dtype)


def factor_of(operation: str, dloss: float | Array) -> float | Array:
    """dloss, a number or an array without axes: what the gradient of a loss is multiplied by."""
    array_module(dloss)
    shape = () if isinstance(dloss, int | float) else getattr(dloss, "shape", None)
    if shape != ():
        raise ValueError(f"{operation}_backward: dloss has the shape {shape}, but {operation} returned one of ()")
    return dloss


def target_of(operation: str, target: Array, like: Array) -> Array:
    """What a loss compares predictions with, in their dtype; bools as they are."""
    array_module(target)
    if target.dtype.kind not in "biuf":
        raise TypeError(f"{operation}: targets must be numbers, got {target.dtype}")
    return target if target.dtype in (like.dtype, np.bool_) else target.astype(like.dtype)


def labels_below(operation: str, labels: Array, count: int, void: int | None = None) -> tuple[Array, Any]:
    """Integers or bools that must lie in 0..count-1, or be void -> labels that do, and what `refuse` says of them."""
    labels = labels.astype(np.uint8) if labels.dtype == bool else labels
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{operation}: labels must be integers, got {labels.dtype}")
    if void is None and array_module(labels) is np and labels.size and labels.min() >= 0 and labels.max() < count:
        return labels, None  # two passes and no temporary
    wrong: Any = (labels < 0) | (labels >= count)
    wrong = wrong if void is None else wrong & (labels != void)
    also = "" if void is None else f" or {void}"
    wrong = refuse(operation, wrong, labels, f"labels from 0 to {count - 1}{also}")
    return labels if wrong is None else array_module(labels).clip(labels, 0, count - 1), wrong


def refuse(operation: str, wrong: Array, values: Array, expected: str) -> Any:
    """ValueError where a mask says that values are wrong -> None; on a GPU whether any is, for `nan_if`."""
    if array_module(wrong) is not np:
        return wrong.any()
    if wrong.any():
        raise ValueError(f"{operation} needs {expected}, got {values[wrong].flat[0]}")
    return None


def nan_if(wrong: Any, loss: Array) -> Array:
    """The loss; NaN where `refuse`, on a GPU, found wrong values."""
    return loss if wrong is None else array_module(loss).where(wrong, nan, loss).astype(loss.dtype)
