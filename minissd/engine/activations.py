"""ReLU, ReLU6 and hard swish on all cores, in place where asked; the other activations are those of `minissd.ops`."""

from functools import cache
from typing import NamedTuple

import numpy as np

from minissd.arguments import Cache, as_gradient, module_of
from minissd.device import Array, array_module
from minissd.engine.cpu.threads import elementwise
from minissd.engine.cuda import on_card
from minissd.engine.cuda.elementwise import RELU_BACKWARD
from minissd.engine.runtime import loan
from minissd.engine.tuning import tuning_in_force

RECTIFIED = 1 << 16  # numbers at a time


class Passed(NamedTuple):
    """What ReLU and ReLU6 keep with `bits`: a bit for each number, whether it passed unchanged."""

    bits: np.ndarray  # (numbers / 8,) uint8
    shape: tuple  # of y
    dtype: np.dtype


def relu(x: Array, *, in_place: bool = False, need_cache: bool = True, bits: bool = False) -> tuple[Array, Cache]:
    """As `minissd.ops.relu`.  in_place: overwrite x, for fresh memory costs more than the maximum.

    need_cache=False leaves the cache out (None): inference has no use for it.  bits: keep a bit for each number and not
    y, for a ReLU whose y nobody else keeps, such as one in front of a max pooling; a GPU keeps y all the same.
    """
    xp = module_of("relu", x=x)
    zeros = _zeros(x.dtype, 2 * tuning_in_force().sizes.elementwise_part + 16) if xp is np else None

    def of_part(x, out):
        xp.maximum(x, 0 if zeros is None else zeros[: x.size], out=out)

    def passed(y, out):
        np.greater(y, 0, out=out)

    return _cut(of_part, passed, x, in_place, need_cache, bits)


def rectify(part: Array) -> None:
    """max(part, 0) in place: the `finish` of a convolution in front of a ReLU."""
    if type(part) is not np.ndarray:
        array_module(part).maximum(part, 0, out=part)
    elif not part.flags.c_contiguous:
        np.maximum(part, _zeros(part.dtype, part.shape[-1]), out=part)
    else:
        flat, zeros = part.reshape(-1), _zeros(part.dtype, RECTIFIED)
        for start in range(0, flat.size, RECTIFIED):
            piece = flat[start : start + RECTIFIED]
            np.maximum(piece, zeros[: piece.size], out=piece)


def clip_to_six(part: Array) -> None:
    """min(max(part, 0), 6) in place: the `finish` of a convolution in front of a ReLU6."""
    array_module(part).clip(part, 0, 6, out=part)


def swish(part: Array) -> None:
    """part * hard_sigmoid(part) in place: the `finish` of a convolution in front of a hard swish."""
    xp = array_module(part)
    with loan() as scratch:
        part *= _hard_sigmoid(xp, part, scratch(part.shape, part))


@cache
def _zeros(dtype, count):
    """Zeros for `np.maximum`, which takes five times as long with one number."""
    return np.zeros(count, dtype=dtype)


def relu_backward(dy: Array, cache: Cache, *, in_place: bool = False) -> Array:
    """As `minissd.ops.relu_backward`.  in_place: overwrite dy."""
    if isinstance(cache, Passed):
        return _let_pass("relu", dy, cache, in_place)
    xp, dy = array_module(dy, cache), as_gradient("relu", dy, cache.shape, cache.dtype)
    if on_card(dy):
        return RELU_BACKWARD(dy, cache, dy if in_place else xp.empty_like(dy))

    def of_part(dy, y, out):
        with loan() as scratch:
            positive = xp.greater(y, 0, out=scratch(y.shape, y, np.dtype(bool)))
            xp.multiply(dy, positive, out=out)

    return elementwise(of_part, dy, cache, in_place=in_place)


def relu6(x: Array, *, in_place: bool = False, need_cache: bool = True, bits: bool = False) -> tuple[Array, Cache]:
    """As `minissd.ops.relu6`.  in_place: overwrite x.  need_cache, bits: as for `relu`."""
    xp = module_of("relu6", x=x)

    def passed(y, out):
        np.greater(y, 0, out=out)
        out &= y < 6

    return _cut(lambda x, out: xp.clip(x, 0, 6, out=out), passed, x, in_place, need_cache, bits)


def relu6_backward(dy: Array, cache: Cache, *, in_place: bool = False) -> Array:
    """As `minissd.ops.relu6_backward`.  in_place: overwrite dy."""
    if isinstance(cache, Passed):
        return _let_pass("relu6", dy, cache, in_place)
    xp, dy = array_module(dy, cache), as_gradient("relu6", dy, cache.shape, cache.dtype)
    return elementwise(lambda dy, y, out: xp.multiply(dy, (y > 0) & (y < 6), out=out), dy, cache, in_place=in_place)


def _cut(operation, passed, x, in_place, need_cache, with_a_bit):
    """y = operation(x), and the cache.  passed(y, out): which numbers of a part of y were left as they are."""
    if on_card(x) or not need_cache or not with_a_bit:
        y = elementwise(operation, x, in_place=in_place)
        return y, y if need_cache else None
    bits = np.empty(-(-x.size // 8), np.uint8)

    def with_bits(x, out, part):
        operation(x, out=out)
        with loan() as scratch:
            ours = scratch(out.shape, out, np.dtype(bool))
            passed(out, out=ours)
            bits[part.start // 8 : -(-part.stop // 8)] = np.packbits(ours)  # a part begins at a multiple of 8

    y = elementwise(with_bits, x, in_place=in_place, tell_part=True)
    return y, Passed(bits, x.shape, x.dtype)


def _let_pass(name, dy, cache, in_place):
    """dy where a number passed, 0 elsewhere."""
    array_module(dy, cache.bits)

    def of_part(dy, out, part):
        bits = cache.bits[part.start // 8 : -(-part.stop // 8)]
        np.multiply(dy, np.unpackbits(bits, count=dy.size).view(bool), out=out)

    return elementwise(of_part, as_gradient(name, dy, cache.shape, cache.dtype), in_place=in_place, tell_part=True)


def hard_swish(x: Array) -> tuple[Array, Cache]:
    """As `minissd.ops.hard_swish`."""
    xp = module_of("hard_swish", x=x)

    def of_part(x, out):
        with loan() as scratch:
            xp.multiply(x, _hard_sigmoid(xp, x, scratch(x.shape, x)), out=out)

    return elementwise(of_part, x), x


def hard_swish_backward(dy: Array, x: Array) -> Array:
    """As `minissd.ops.hard_swish_backward`; the hard sigmoid is computed again, which is less work than keeping it."""
    xp, dy = array_module(dy, x), as_gradient("hard_swish", dy, x.shape, x.dtype)

    def of_part(dy, x, out):
        with loan() as scratch:
            slope = x * (xp.abs(x) < 3)
            slope *= 1 / 6
            slope += _hard_sigmoid(xp, x, scratch(x.shape, x))
            xp.multiply(dy, slope, out=out)

    return elementwise(of_part, dy, x)


def _hard_sigmoid(xp, x, gate):
    """Of a part: x / 6 + 1/2 cut to 0..1, into `gate`."""
    xp.multiply(x, 1 / 6, out=gate)
    gate += 0.5
    return xp.clip(gate, 0, 1, out=gate)
