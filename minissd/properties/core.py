"""Properties: what holds for every correct implementation of a function, whatever its inputs.

A `Property` is a statement, the inputs it is about, and the check.  The tests hold the library to it, an exercise of
the course holds a student to it: one piece of code judges both.  `falsify` looks for inputs that break it and, with
Hypothesis, shrinks what it finds to the smallest and plainest it can.
"""

import contextlib
import copy
import types
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np


class Property(NamedTuple):
    """statement: what holds, to be read after "your function".  cases: draws the inputs, a dict name -> value.
    holds(function, **case): raises AssertionError, with the reason, where `function` breaks the statement."""

    statement: str
    cases: object  # a SearchStrategy
    holds: Callable


class Broken(NamedTuple):
    """A property that does not hold: the smallest inputs found, why, and the calls made with them."""

    statement: str
    case: dict
    error: BaseException
    calls: list  # of Call


class Call(NamedTuple):
    """One call of the function under test: copies of its arguments, and what came back."""

    args: tuple
    kwargs: dict
    result: object  # or the exception, if it raised one


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
        given, wanted = _apart(found[first], expected[first])
        raise AssertionError(f"{what}: {count}{given}{where}, expected {wanted}{_beside(found, expected)}")


def _tolerances(dtype, expected, rtol, atol):
    """rtol and atol; for a result in float32, which is as right, no smaller than its rounding makes them."""
    if dtype != np.float32:
        return rtol, atol
    finite = np.abs(expected[np.isfinite(expected)])
    return max(rtol, 1e-5), max(atol, 1e-6 * float(finite.max(initial=0)))


def _apart(found, expected):
    """Both as text, with as many digits as it takes to see that they differ."""
    if isinstance(found, np.floating) and isinstance(expected, np.floating):
        for digits in (6, 9, 12):
            texts = f"{found:.{digits}g}", f"{expected:.{digits}g}"
            if texts[0] != texts[1]:
                return texts
        return repr(float(found)), repr(float(expected))
    return _plain(found), _plain(expected)


def _family(array):
    """Booleans, numbers and text are different things; 3 and 3.0 are not."""
    return {"b": "bool", "i": "number", "u": "number", "f": "number"}.get(array.dtype.kind, array.dtype.kind)


def _beside(found, expected, most=40):
    """Both arrays, if they are small enough to be looked at."""
    if max(found.size, expected.size) > most or max(found.ndim, expected.ndim) == 0:
        return ""
    return f"\n{show('found', found)}\n{show('expected', expected)}"


def show(name, value):
    """One argument as a person can read it: numbers without noise, arrays with their shape."""
    if isinstance(value, np.ndarray):
        shape = " x ".join(map(str, value.shape))
        text = np.array2string(value, precision=4, suppress_small=True, threshold=80, prefix=" " * len(name))
        return f"{name} ({shape or 'a number'}) = {text}".replace("\n\n", "\n")
    if isinstance(value, np.random.Generator):
        return f"{name} = a numpy Generator"
    if isinstance(value, tuple | list) and any(isinstance(part, np.ndarray) for part in value):
        return "\n".join(show(f"{name}[{i}]", part) for i, part in enumerate(value))
    return f"{name} = {_plain(value)}"


def _plain(value):
    """repr, but 3 rather than np.int64(3)."""
    if isinstance(value, np.floating):
        return f"{value:.6g}"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _wanted(expected):
    return f"an array of shape {expected.shape}" if expected.ndim else f"a number such as {_plain(expected[()])}"


def _kind(value):
    return "None" if value is None else f"a {type(value).__name__}"


def recorded(function, calls):
    """`function`, writing every call into the list `calls`; AssertionError if it changes an argument in place."""

    def call(*args, **kwargs):
        before = copy.deepcopy((args, kwargs))
        try:
            result = function(*args, **kwargs)
        except Exception as error:  # whatever the function under test raises belongs to the record
            calls.append(Call(*before, error))
            raise
        if isinstance(result, types.GeneratorType):
            raise AssertionError("the result is a generator: use return, not yield")
        calls.append(Call(*before, copy.deepcopy(result)))
        _require_unchanged((args, kwargs), before)
        return result

    return call


def _require_unchanged(now, then):
    (args, kwargs), (args_before, kwargs_before) = now, then
    pairs = [*zip((f"argument {i}" for i in range(1, len(args) + 1)), args, args_before)]
    pairs += [(name, kwargs[name], kwargs_before[name]) for name in kwargs]
    for name, value, before in pairs:
        if not _unchanged(value, before):
            raise AssertionError(f"{name} was changed in place: leave the arguments as they are, work on a copy")


def _unchanged(value, before):
    """Whether an argument is what it was, down to the arrays in a list."""
    if isinstance(value, np.ndarray):
        return np.array_equal(value, before, equal_nan=value.dtype.kind == "f")
    if isinstance(value, list | tuple):
        return len(value) == len(before) and all(map(_unchanged, value, before))
    return True


def falsify(claim, function, *, seed=0, examples=60):
    """The smallest `Broken` case of the `Property` `claim` that was found for `function`, or None if it holds."""
    from hypothesis.errors import Flaky  # here, for it is slow to import and every command loads this file

    last = {}

    def run(case):
        calls = []
        last.update(case=copy.deepcopy(case), calls=calls)
        claim.holds(recorded(function, calls), **case)

    try:
        _try_cases(claim, run, seed, examples, "generate", "shrink")
    except Flaky:
        error = AssertionError("it gives different answers for the same inputs: where does the chance come from?")
        return Broken(claim.statement, last["case"], error, last["calls"])
    except (Exception, SystemExit) as error:  # the function under test may raise anything
        return Broken(claim.statement, last["case"], error, last["calls"])
    return None


def sample_calls(claim, function, *, seed=0, examples=8):
    """The calls that `claim` makes to `function` in a few of its cases, whether it holds there or not."""
    calls = []
    for case in copy.deepcopy(_sample_cases(claim, seed, examples)):
        with contextlib.suppress(Exception, SystemExit):
            claim.holds(recorded(function, calls), **case)
    return calls


@cache
def _sample_cases(claim, seed, examples):
    cases = []
    _try_cases(claim, cases.append, seed, examples, "generate")
    return cases


def _try_cases(claim, run, seed, examples, *phases):
    """Let Hypothesis call `run(case)`.  phases: names of its own."""
    import hypothesis

    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        phases=[hypothesis.Phase[name] for name in phases],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.seed(seed)(settings(hypothesis.given(case=claim.cases)(lambda case: run(case))))()
