"""What is wrong with a gradient: its relation to the right one names the slip.

Each slip leaves a mark.  A forgotten factor makes every entry the same multiple of the numeric gradient, a
missing transpose puts right values in wrong places, a wrong crop spoils a border, a kink only a few entries.
`diagnose` looks for these marks, the most telling first; each function below it recognises one.
"""

import functools
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from minissd.gradcheck.digits import apart
from minissd.gradcheck.marks import mask, path, rest_of_a_sum, untransposed
from minissd.gradcheck.pair import Diagnosis, Pair


def diagnose(
    analytic: np.ndarray,
    numeric: np.ndarray,
    *,
    rtol: float = 1e-05,
    atol: float = 1e-07,
    given: Mapping[str, np.ndarray] | None = None,
) -> Any:
    """The `Diagnosis` of an analytic gradient, or None if it agrees with the numeric one.

    Entries agree within atol + rtol * the larger of the two; NaN in `numeric` marks one not measured.
    given: arrays that the gradient is made of, such as dy, x and w, by name: a factor that was not transposed, and a
    path that was forgotten, are recognised by them.
    Kinds: "shape", "not finite", "zero", "sign", "factor", "transposed", "reversed", "shifted", "reordered", "mask",
    "border", "factor not transposed", "path", "sum", "isolated", "factor along an axis", "constant term", "other".
    """
    pair = Pair(np.asarray(analytic), np.asarray(numeric), rtol, atol)
    if pair.analytic.shape != pair.numeric.shape:
        return _shape(pair)
    broken = ~np.isfinite(pair.analytic)
    if broken.any():
        return Diagnosis("not finite", f"has NaN or infinity in {broken.sum()} of {broken.size} entries")
    wrong = pair.wrong(pair.analytic)
    if not wrong.any():
        return None
    arrays = {name: np.asarray(array, float) for name, array in (given or {}).items()}
    marks = (
        *(_zero, _factor, _moved, _shifted, _reordered, _border, mask, functools.partial(untransposed, given=arrays)),
        *(functools.partial(path, given=arrays), _isolated, _factor_along_axis, _constant_term, rest_of_a_sum, _other),
    )
    found = next(filter(None, (recognise(pair) for recognise in marks)))
    return found._replace(text=f"{found.text}; {_extent(pair, wrong)}")


def _extent(pair, wrong):
    """How many entries are off, and the worst of them."""
    error = np.where(wrong, np.abs(pair.analytic - pair.numeric), -1)
    worst = np.unravel_index(np.argmax(error), error.shape)
    analytic, numeric = apart(pair.analytic[worst], pair.numeric[worst])
    return (
        f"{wrong.sum()} of {pair.known.sum()} entries are off, the worst at {tuple(map(int, worst))}: "
        f"analytic {analytic}, numeric {numeric}"
    )


def _shape(pair):
    """Another shape: is it a missing sum, a missing transpose or a missing reshape?"""
    analytic, wanted = pair.analytic, pair.numeric.shape
    text = f"has shape {analytic.shape} instead of {wanted}"
    for count in range(1, analytic.ndim + 1):
        for axes in itertools.combinations(range(analytic.ndim), count):
            total = analytic.sum(axis=axes)
            if total.shape == wanted and pair.explains(total):
                return Diagnosis("shape", f"{text}: it was not summed over {_axes(axes)}")
    for order in itertools.permutations(range(analytic.ndim)):
        turned = analytic.transpose(order)
        if turned.shape == wanted and pair.explains(turned):
            return Diagnosis("shape", f"{text}: transpose it with {order}")
    if analytic.size == pair.numeric.size and pair.explains(analytic.reshape(wanted)):
        return Diagnosis("shape", f"{text}: reshape it")
    return Diagnosis("shape", text)


def _zero(pair):
    if not pair.analytic.any():
        return Diagnosis("zero", "is zero everywhere: it never reaches this input, or a term is missing")
    return None


def _factor(pair):
    """analytic = ratio * numeric everywhere."""
    ratio = np.nansum(pair.analytic * pair.numeric) / max(np.nansum(pair.numeric**2), np.finfo(float).tiny)
    if ratio == 0 or not pair.explains(pair.analytic / ratio):
        return None
    if abs(ratio + 1) < 1e-3:
        return Diagnosis("sign", "has the wrong sign everywhere")
    sign = " and its sign is wrong" if ratio < 0 else ""
    text = f"is {ratio:.4g} times the numeric gradient at every entry{sign}"
    return Diagnosis("factor", text + _factor_origin(abs(ratio), pair.numeric.shape))


def _factor_origin(ratio, shape):
    """Where a factor k or 1/k may come from: the number of entries, or the length of an axis."""
    number = round(max(ratio, 1 / ratio))
    if number < 2 or abs(max(ratio, 1 / ratio) - number) > 1e-3 * number:
        return ""
    slip = f"a factor {number} too many" if ratio > 1 else f"divided by {number} once too often"
    if number in shape:
        return f" ({slip}; {number} is the length of axis {shape.index(number)})"
    if number == np.prod(shape):
        return f" ({slip}; {number} is the number of entries)"
    return f" ({slip})"


def _moved(pair):
    """The right values in the wrong places: axes exchanged, axes reversed, or a reshape in another order."""
    analytic = pair.analytic
    for order in itertools.permutations(range(analytic.ndim)):
        turned = analytic.transpose(order)
        if turned.shape == analytic.shape and pair.explains(turned):
            exchanged = [axis for axis, source in enumerate(order) if axis != source]
            return Diagnosis("transposed", f"has {_axes(exchanged)} exchanged")
    for count in range(1, analytic.ndim + 1):
        for axes in itertools.combinations(range(analytic.ndim), count):
            if pair.explains(np.flip(analytic, axes)):
                return Diagnosis("reversed", f"runs backwards along {_axes(axes)} (a flipped kernel?)")
    return None


def _reordered(pair):
    """The right values, in an order that is none of the others."""
    if pair.known.all():
        ordered = pair._replace(numeric=np.sort(pair.numeric, axis=None))
        if ordered.explains(np.sort(pair.analytic, axis=None)):
            text = "has the right values in the wrong places (reshape without transpose?)"
            return Diagnosis("reordered", text)
    return None


def _border(pair, deepest=3):
    """Wrong only near the ends of some axes, and mostly wrong there: padding, or the crop that undoes it."""
    wrong, known = pair.wrong(pair.analytic), pair.known
    for depth in range(1, deepest + 1):
        slabs = []  # (name, mask of the entries within `depth` of one end of one axis)
        for axis, length in enumerate(wrong.shape):
            if length > 2 * depth + 1:
                position = np.indices(wrong.shape, sparse=True)[axis]
                slabs.append((f"the start of axis {axis}", position < depth))
                slabs.append((f"the end of axis {axis}", position >= length - depth))
        for count in range(1, len(slabs) + 1):
            for chosen in itertools.combinations(slabs, count):
                near = functools.reduce(np.logical_or, (mask for _, mask in chosen))
                inside, outside = known & near, known & ~near
                if outside.any() and not wrong[outside].any() and wrong.sum() > inside.sum() / 2:
                    ends = " and ".join(name for name, _ in chosen)
                    text = f"is wrong only within {depth} of {ends}: look at the padding and its crop"
                    return Diagnosis("border", text)
    return None


def _shifted(pair):
    """The right values, moved along an axis, what leaves it coming back at the other end or not."""
    for axis, length in enumerate(pair.analytic.shape):
        for step in (1, -1, 2, -2):
            if length > abs(step) and pair.explains(np.roll(pair.analytic, -step, axis)):
                text = f"is shifted by {step} along axis {axis}, the last entry first (np.roll?): an offset is off"
                return Diagnosis("shifted", text)
            if length < abs(step) + 2:
                continue
            ahead, behind = (slice(max(s, 0), length + min(s, 0)) for s in (step, -step))
            earlier = (slice(None),) * axis
            overlap = pair._replace(numeric=pair.numeric[*earlier, behind])
            telling = np.abs(overlap.numeric) > pair.atol  # zeros shifted onto zeros tell nothing
            if telling.sum() > 1 and overlap.explains(pair.analytic[*earlier, ahead]):
                return Diagnosis("shifted", f"is shifted by {step} along axis {axis}: an offset is off")
    return None


def _isolated(pair):
    wrong = pair.wrong(pair.analytic)
    if wrong.size > 1 and wrong.sum() <= max(1, pair.known.sum() // 10):
        text = "is wrong at a few entries only: a kink or a tie in the inputs (keep away), a special case"
        return Diagnosis("isolated", text)
    return None


def _factor_along_axis(pair):
    """analytic = ratio * numeric with one ratio per index of a single axis, such as the channel."""
    for axis in range(pair.analytic.ndim):
        others = tuple(a for a in range(pair.analytic.ndim) if a != axis)
        if pair.analytic.size < 2 * pair.analytic.shape[axis]:
            continue
        product = np.nansum(pair.analytic * pair.numeric, axis=others, keepdims=True)
        square = np.nansum(pair.numeric**2, axis=others, keepdims=True)
        if np.all(square > 0) and np.all(product != 0) and pair.explains(pair.analytic * square / product):
            text = f"is off by a factor that depends only on the index along axis {axis}"
            return Diagnosis("factor along an axis", text)
    return None


def _constant_term(pair):
    """analytic - numeric is constant along some axes: a term summed or averaged over them."""
    if not pair.known.all():
        return None
    difference = pair.analytic - pair.numeric
    tolerance = pair.atol + pair.rtol * np.abs(difference).max()
    constant = [
        axis
        for axis, length in enumerate(difference.shape)
        if length > 1 and np.ptp(difference, axis=axis).max() <= tolerance
    ]
    if constant:
        text = f"is off by an amount constant along {_axes(constant)}: a sum or mean over it is missing"
        return Diagnosis("constant term", text)
    return None


def _other(pair):
    return Diagnosis("other", "is wrong in no way that is recognised")


def _axes(axes):
    axes = list(axes)
    listed = ", ".join(map(str, axes[:-1])) + (" and " if len(axes) > 1 else "") + str(axes[-1])
    return f"{'axes' if len(axes) > 1 else 'axis'} {listed}"
