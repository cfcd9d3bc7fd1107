"""Is there an input for which a property does not hold?

A property is tried on a fixed pool of inputs, the same on every machine and for whoever asks, and can be tried on
others, drawn from a seed.  Hypothesis draws them, and shrinks what breaks to the smallest and plainest that does.
"""

import contextlib
import copy
import types
from functools import cache
from typing import NamedTuple

import numpy as np

POOL, EXAMPLES = 0, 120  # the seed of the pool, and how many inputs it has for each property


class Broken(NamedTuple):
    """A property that does not hold: the smallest inputs found, why, and the calls made with them."""

    statement: str
    case: dict
    error: BaseException
    calls: list  # of Call


class Call(NamedTuple):
    """One call of the function under test: copies of its arguments, what came back, and which it changed in place."""

    args: tuple
    kwargs: dict
    result: object  # or the exception, if it raised one
    changed: tuple = ()  # names of the arguments


def recorded(function, calls):
    """`function`, writing every call into the list `calls`; AssertionError if it returns nothing, or changes an
    argument in place."""

    def call(*args, **kwargs):
        before = copy.deepcopy((args, kwargs))
        try:
            result = function(*args, **kwargs)
        except Exception as error:  # whatever the function under test raises belongs to the record
            calls.append(Call(*before, error))
            raise
        changed = tuple(_changed((args, kwargs), before))
        calls.append(Call(*before, None if isinstance(result, types.GeneratorType) else copy.deepcopy(result), changed))
        _require_a_result(result)
        if changed:
            raise AssertionError(f"{changed[0]} was changed in place: leave the arguments as they are, work on a copy")
        return result

    return call


def _require_a_result(result):
    if isinstance(result, types.GeneratorType):
        raise AssertionError("the result is a generator: use return, not yield")
    if result is None:
        raise AssertionError("the result is None: is there a return?")
    if isinstance(result, tuple | list) and any(part is None for part in result):
        place = next(i for i, part in enumerate(result) if part is None)
        raise AssertionError(f"the result is a {type(result).__name__} whose part {place} is None: was it computed?")


def _changed(now, then):
    (args, kwargs), (args_before, kwargs_before) = now, then
    pairs = [*zip((f"argument {i}" for i in range(1, len(args) + 1)), args, args_before)]
    pairs += [(name, kwargs[name], kwargs_before[name]) for name in kwargs]
    return (name for name, value, before in pairs if not _unchanged(value, before))


def _unchanged(value, before):
    """Whether an argument is what it was, down to the arrays in a list."""
    if isinstance(value, np.ndarray):
        return np.array_equal(value, before, equal_nan=value.dtype.kind == "f")
    if isinstance(value, list | tuple):
        return len(value) == len(before) and all(map(_unchanged, value, before))
    return True


def falsify(claim, function, *, seed=POOL, examples=EXAMPLES):
    """The smallest `Broken` case of the `Property` `claim` that was found for `function`, or None if it holds."""
    for case in pool(claim, seed, examples):
        calls = []
        try:
            _try(claim, function, case, calls)
        except (Exception, SystemExit) as error:  # the function under test may raise anything
            found = Broken(claim.statement, case, error, calls)
            return _shrunk(claim, function, seed, examples) or found
    return None


def _try(claim, function, case, calls):
    claim.holds(recorded(function, calls), **copy.deepcopy(case))


def _shrunk(claim, function, seed, examples):
    """Hypothesis draws the same inputs again, to the first that breaks, and shrinks it."""
    from hypothesis.errors import Flaky  # here, for it is slow to import and every command loads this file

    last = {}

    def run(case):
        calls = []
        last.update(case=copy.deepcopy(case), calls=calls)
        _try(claim, function, case, calls)

    try:
        _draw(claim, run, seed, examples, "generate", "shrink")
    except Flaky:
        error = AssertionError("it gives different answers for the same inputs: where does the chance come from?")
        return Broken(claim.statement, last["case"], error, last["calls"])
    except (Exception, SystemExit) as error:
        return Broken(claim.statement, last["case"], error, last["calls"])
    return None  # it broke once, and does not any more


def pool(claim, seed=POOL, examples=EXAMPLES):
    """The inputs that `claim` is tried on, a list of dicts that is not to be changed."""
    return _drawn(claim, seed, examples)


@cache
def _drawn(claim, seed, examples):
    cases = []
    _draw(claim, cases.append, seed, examples, "generate")
    return cases


def sample_calls(claim, function):
    """(calls that `claim` makes to `function`, what it says against the results or "") for each case of the pool."""
    samples = []
    for case in pool(claim):
        calls, said = [], ""
        try:
            _try(claim, function, case, calls)
        except AssertionError as error:
            said = str(error).partition("\n")[0]
        except (Exception, SystemExit) as error:
            said = type(error).__name__
        samples.append((calls, said))
    return samples


def _draw(claim, run, seed, examples, *phases):
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
    with _the_same_everywhere():
        hypothesis.seed(seed)(settings(hypothesis.given(case=claim.cases)(lambda case: run(case))))()


@contextlib.contextmanager
def _the_same_everywhere():
    """Hypothesis mixes in numbers that it finds in the source of modules that happen to be loaded, unless they were
    installed: a clone would draw others than an installed package does."""
    try:
        from hypothesis.internal.cache import LRUCache
        from hypothesis.internal.conjecture import providers
        from hypothesis.internal.constants_ast import Constants

        changes = {"_get_local_constants": Constants, "CONSTANTS_CACHE": LRUCache(1024)}
        kept = {name: getattr(providers, name) for name in changes}
    except (ImportError, AttributeError):  # another version, which may have no such habit
        changes = kept = {}
    for name, value in changes.items():
        setattr(providers, name, value)
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(providers, name, value)
