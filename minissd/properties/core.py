"""Properties: what holds for every correct implementation of a function, whatever its inputs.

A `Property` is a statement, the inputs it is about, and the check.  The tests hold the library to it, an exercise of
the course holds a student to it: one piece of code judges both.  `minissd.properties.trying` looks for inputs that
break it.
"""

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minissd.gradcheck.digits import apart, arrays_apart, plain


class Property(NamedTuple):
    """statement: what holds, to be read after "your function".  cases: draws the inputs, a dict name -> value.
    holds(function, **case): raises AssertionError, with the reason, where `function` breaks the statement."""

    statement: str
    cases: object  # a SearchStrategy
    holds: Callable


def equals(oracle, cases, *, statement, rtol=1e-7, atol=1e-9):
    """The property of giving what `oracle` gives: the same structure, shapes, kinds of numbers and values."""

    def holds(function, **case):
        expected = oracle(**copy.deepcopy(case))
        require_equal(function(**case), expected, rtol=rtol, atol=atol)

    return Property(statement, cases, holds)


def require_equal(found, expected, *, what="the result", rtol=1e-7, atol=1e-9):
    """AssertionError unless `found` is `expected` within rounding: arrays, numbers, or tuples, lists, dicts of them."""
    if isinstance(expected, dict):
        if not isinstance(found, dict) or found.keys() != expected.keys():
            keys = ", ".join(map(str, expected))
            raise AssertionError(f"{what} is {_kind(found)}: expected a dict with the keys {keys}")
        for key in expected:
            require_equal(found[key], expected[key], what=f"{what}[{key!r}]", rtol=rtol, atol=atol)
    elif isinstance(expected, tuple | list) and any(isinstance(part, np.ndarray | tuple | list) for part in expected):
        if not isinstance(found, tuple | list) or len(found) != len(expected):
            raise AssertionError(f"{what} is {_kind(found)}: expected {len(expected)} values")
        for i, (part, wanted) in enumerate(zip(found, expected, strict=True)):
            require_equal(part, wanted, what=f"{what}[{i}]", rtol=rtol, atol=atol)
    else:
        _require_equal_arrays(found, expected, what, rtol, atol)


def _require_equal_arrays(found, expected, what, rtol, atol):
    if found is None:
        raise AssertionError(f"{what} is None: is there a return?")
    given, expected = found, np.asarray(expected)
    try:
        found = np.asarray(given)
    except ValueError:  # lists of different lengths
        found = np.asarray(None)
    if found.dtype.kind == "O" and expected.dtype.kind != "O":
        raise AssertionError(f"{what} is {_kind(given)}, expected {_wanted(expected)}")
    if found.shape != expected.shape:
        raise AssertionError(f"{what} has shape {found.shape}, expected {expected.shape}{_beside(found, expected)}")
    if _family(found) != _family(expected):
        raise AssertionError(f"{what} holds {found.dtype}, expected {expected.dtype}")
    if found.dtype.kind in "USO":
        wrong = found != expected
    else:
        rtol, atol = _tolerances(found.dtype, expected, rtol, atol)
        wrong = ~np.isclose(found, expected, rtol=rtol, atol=atol, equal_nan=True)
    if wrong.any():
        first = tuple(map(int, np.argwhere(wrong)[0]))
        where = f" at {first[0] if len(first) == 1 else first}" if first else ""
        count = f"{wrong.sum()} of {wrong.size} entries are off; " if wrong.size > 1 else ""
        given, wanted = apart(found[first], expected[first])
        raise AssertionError(f"{what}: {count}{given}{where}, expected {wanted}{_beside(found, expected)}")


def _tolerances(dtype, expected, rtol, atol):
    """rtol and atol; for a result in float32, which is as right, no smaller than its rounding makes them."""
    if dtype != np.float32:
        return rtol, atol
    finite = np.abs(expected[np.isfinite(expected)])
    return max(rtol, 1e-5), max(atol, 1e-6 * float(finite.max(initial=0)))


def _family(array):
    """Booleans, numbers and text are different things; 3 and 3.0 are not."""
    return {"b": "bool", "i": "number", "u": "number", "f": "number"}.get(array.dtype.kind, array.dtype.kind)


def _beside(found, expected, most=40):
    """Both arrays, if they are small enough to be looked at."""
    if max(found.size, expected.size) > most or max(found.ndim, expected.ndim) == 0:
        return ""
    return "\n" + side_by_side("found", found, "expected", expected)


def side_by_side(name, found, other, expected):
    """Two arrays that differ, one below the other, in as many digits as it takes to see where."""
    digits = arrays_apart(found, expected)
    return f"{show(name, found, digits)}\n{show(other, expected, digits)}"


def show(name, value, digits=4):
    """One argument as a person can read it: numbers without noise, arrays with their shape."""
    if isinstance(value, np.ndarray):
        shape = " x ".join(map(str, value.shape))
        text = np.array2string(value, precision=digits, suppress_small=True, threshold=80, prefix=" " * len(name))
        return f"{name} ({shape or 'a number'}) = {text}".replace("\n\n", "\n")
    if isinstance(value, np.random.Generator):
        return f"{name} = a numpy Generator"
    if isinstance(value, tuple | list) and any(isinstance(part, np.ndarray) for part in value):
        return "\n".join(show(f"{name}[{i}]", part, digits) for i, part in enumerate(value))
    return f"{name} = {plain(value)}"


def _wanted(expected):
    return f"an array of shape {expected.shape}" if expected.ndim else f"a number such as {plain(expected[()])}"


def _kind(value):
    return "None" if value is None else f"a {type(value).__name__}"
