"""Is this backward pass right?  Compare it with the difference quotients of its forward pass.

`check_backward` measures, for a random cotangent dy and in float64, the central differences

    d/dx_i sum(dy * y)  ~  sum(dy * (y(x + eps e_i) - y(x - eps e_i))) / (2 eps),

and raises `GradientError` with a diagnosis where the backward pass returns something else.  How a wrong
gradient relates to the right one ("is 2 times ...", "has axes 0 and 1 exchanged") says more than how far
off it is.

Words: *analytic* is the gradient under test, *numeric* the measured one, NaN where an entry was not measured.
A difference quotient across a kink (0 of a ReLU, a tie in a maximum) means nothing: draw the inputs with
`away_from` and `distinct`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minissd.gradcheck.diagnosis import diagnose


class GradientError(AssertionError):
    """An analytic gradient disagrees with the numeric one, or the two passes break their protocol."""


def check_backward(
    forward: Callable,
    backward: Callable,
    inputs: Sequence[np.ndarray],
    *,
    names: Sequence[str] | None = None,
    rng: np.random.Generator | None = None,
    eps: float = 1e-05,
    rtol: float = 1e-05,
    atol: float = 1e-07,
    max_entries: int = 200,
) -> float:
    """Raise `GradientError` unless `backward` gives the gradients of `forward`; return the largest error.

    forward(*inputs) -> (y, cache): y an array or a tuple of arrays, the same for the same inputs.
    backward(dy, cache) -> a gradient per input: bare, a tuple in the order of `inputs` or a dict by `names`.
    inputs: floating arrays, checked as float64 copies; close over what has no gradient (labels, masks).  Of an
    input with more than `max_entries` entries a random sample of that many is measured.
    The error returned is relative to the largest entry of its gradient.
    """
    # not seed 0: the inputs may come from that, and a cotangent that equals an input can hide an error
    rng = np.random.default_rng(0xD1FF) if rng is None else rng
    inputs = _as_float64(inputs)
    names = tuple(names or (f"input {i}" for i in range(len(inputs))))
    if len(names) != len(inputs):
        raise ValueError(f"{len(names)} names for {len(inputs)} inputs")
    before = _copies(inputs)
    y, cache = forward(*inputs)
    again, _ = forward(*inputs)  # a second call must not disturb the first one's cache
    _check_unchanged(names, inputs, before)
    _check_output(y, again)

    dy = _map(lambda part: np.asarray(rng.standard_normal(np.shape(part))), y)
    dy_before = _copies(_tuple(dy))
    gradients = _by_input(backward(dy, cache), names)
    _check_unchanged(names, inputs, before)
    _check_unchanged(("dy",) * len(dy_before), _tuple(dy), dy_before)

    largest = 0.0
    for i, (name, x, analytic) in enumerate(zip(names, inputs, gradients, strict=True)):

        def output(changed, i=i):
            return forward(*inputs[:i], changed, *inputs[i + 1 :])[0]

        entries = rng.choice(x.size, max_entries, replace=False) if x.size > max_entries else None
        numeric = numeric_gradient(output, x, dy, eps=eps, entries=entries)
        given = dict(zip(names, inputs, strict=True)) | ({"dy": dy} if isinstance(dy, np.ndarray) else {})
        found = diagnose(analytic, numeric, rtol=rtol, atol=atol, given=given)
        if found is not None:
            raise GradientError(f"the gradient of {name} {found.text}")
        scale = max(np.nanmax(np.abs(numeric), initial=0.0), atol)
        largest = max(largest, np.nanmax(np.abs(analytic - numeric), initial=0.0) / scale)
    return float(largest)


def numeric_gradient(
    f: Callable, x: np.ndarray, dy: Any = 1.0, *, eps: float = 1e-05, entries: Any = None
) -> np.ndarray:
    """Central differences of sum(dy * f(x)) at `x`: an array shaped like `x`.

    f returns an array, or a tuple of arrays with `dy` a tuple to match.  `entries`, flat indices, limits the
    work to some entries; the others are NaN.  Raises GradientError where f is not finite.
    """
    x = np.array(x, dtype=np.float64)
    numeric = np.full(x.shape, np.nan)
    for entry in range(x.size) if entries is None else entries:
        at = np.unravel_index(entry, x.shape)
        centre = x[at]
        x[at] = centre + eps
        high = _tuple(f(x.copy()))
        x[at] = centre - eps
        low = _tuple(f(x.copy()))
        x[at] = centre
        # subtracting before summing keeps the digits that a difference of two sums would lose
        changes = [np.sum(part * (up - down)) for part, up, down in zip(_tuple(dy), high, low, strict=True)]
        numeric[at] = sum(changes) / (2 * eps)
        if not np.isfinite(numeric[at]):
            raise GradientError(f"the forward pass is not finite near entry {tuple(map(int, at))}")
    return numeric


def away_from(x: np.ndarray, kinks: Any, margin: float = 0.01) -> np.ndarray:
    """A copy of `x`, each entry at least `margin` away from every one of `kinks` (a number or several)."""
    kinks = np.sort(np.atleast_1d(kinks))
    if np.any(np.diff(kinks) < 2 * margin):
        raise ValueError(f"kinks {kinks.tolist()} lie closer together than twice the margin {margin}")
    x = np.array(x)
    for kink in kinks:
        x = np.where(np.abs(x - kink) < margin, np.where(x < kink, kink - margin, kink + margin), x)
    return x


def distinct(rng: np.random.Generator, shape: tuple[int, ...], gap: float = 0.1) -> np.ndarray:
    """Random float64 values around 0, every two at least `gap` apart: no ties for a maximum to break."""
    size = int(np.prod(shape))
    return (rng.permutation(size) - size / 2).reshape(shape) * gap


def _as_float64(inputs):
    for i, x in enumerate(inputs):
        dtype = np.asarray(x).dtype
        if not np.issubdtype(dtype, np.floating):
            raise TypeError(f"input {i} is {dtype}, not floating: close over what has no gradient")
    return tuple(np.array(x, dtype=np.float64) for x in inputs)


def _check_output(y, again):
    for part, repeated in zip(_tuple(y), _tuple(again), strict=True):
        if np.asarray(part).dtype != np.float64:
            raise GradientError(f"forward turns float64 into {np.asarray(part).dtype}: dtype in = dtype out")
        if not np.isfinite(part).all():
            raise GradientError("forward gives NaN or infinity for these inputs")
        if not np.array_equal(part, repeated):
            raise GradientError("forward gives two results for the same inputs: seed its randomness inside")


def _check_unchanged(names, arrays, before):
    for name, now, then in zip(names, arrays, before, strict=True):
        if not np.array_equal(now, then):
            raise GradientError(f"{name} was changed in place: leave the arguments as they are")


def _by_input(gradients, names):
    if isinstance(gradients, dict):
        missing = [name for name in names if name not in gradients]
        if missing:
            raise GradientError(f"backward returns no gradient for {', '.join(missing)}")
        gradients = tuple(gradients[name] for name in names)
    gradients = _tuple(gradients)
    if len(gradients) != len(names):
        raise GradientError(f"backward returns {_count(gradients)} for {_count(names, 'input')}: {', '.join(names)}")
    for name, gradient in zip(names, gradients, strict=True):
        if gradient is None:
            raise GradientError(f"the gradient of {name} is None: is there a return?")
        if np.asarray(gradient).dtype.kind not in "biuf":
            raise GradientError(f"the gradient of {name} is no array of real numbers but a {type(gradient).__name__}")
    return gradients


def _count(parts, what="gradient"):
    return f"{len(parts)} {what}{'' if len(parts) == 1 else 's'}"


def _tuple(value):
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _copies(arrays):
    return [np.array(array) for array in arrays]


def _map(function, value):
    return tuple(map(function, value)) if isinstance(value, tuple | list) else function(value)
