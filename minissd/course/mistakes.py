"""Which known misconception is it?  A wrong answer is recognised by what it answers, not by how it is written.

The calls that the properties of an exercise make on their pool of inputs are made with every known wrong answer, and
what comes back is boiled down to a *signature*, equal within rounding for functions that answer alike.  A handout has
the signatures (`minissd lesson export` writes them): no wrong answer, and no right one, can be read from them.
"""

import hashlib
import json
import types
import warnings
from functools import cache
from typing import NamedTuple

import numpy as np

from minissd.course.reading import load
from minissd.course.shelf import read_json
from minissd.properties import sample_calls

SEVERAL = 3  # inputs on which a known wrong answer has to be wrong, in its own way, before it is named


class Mistake(NamedTuple):
    """A known misconception: its name, what to say to somebody who has it, and the signature of its answers."""

    name: str
    hint: str
    signature: str


def recognise(function, exercise):
    """The `Mistake` that answers every call of the exercise's properties just as `function` does, or None."""
    known = known_mistakes(exercise)
    if not known:
        return None
    mine = _joined(answers(function, exercise))
    return next((mistake for mistake in known if mistake.signature == mine), None)


@cache
def known_mistakes(exercise):
    """The mistakes of an exercise, in their order: from its wrong answers, or in a handout from their signatures."""
    if exercise.signatures.exists():
        entries = read_json(exercise.signatures, [dict.fromkeys(Mistake._fields, str)])
        return tuple(Mistake(*(entry[name] for name in Mistake._fields)) for entry in entries)
    if not exercise.solution.exists():
        return ()
    solution = exercise.solution.read_text(encoding="utf-8")
    right = answers(_function(solution, exercise), exercise)
    known = []
    for mutant in exercise.mutants:
        wrong = answers(_function(mutant.source(solution), exercise), exercise)
        if telling(wrong, right) >= SEVERAL:
            known.append(Mistake(mutant.name, mutant.hint, _joined(wrong)))
    return tuple(known)


def telling(wrong, right):
    """On how many inputs two functions answer otherwise."""
    return sum(one != other for one, other in zip(wrong, right, strict=True))


def answers(function, exercise):
    """What a function answers to each input of the pools, as a list of short texts."""
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        return [_digest(*sample) for claim in exercise.properties for sample in sample_calls(claim, function)]


def write_signatures(path, exercise):
    """The file by which a handout recognises mistakes."""
    entries = [mistake._asdict() for mistake in known_mistakes(exercise)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries, indent=1), encoding="utf-8")


def _function(source, exercise):
    return getattr(load(source, source, "<known wrong answer>"), exercise.name)


def _joined(parts):
    return hashlib.blake2b("".join(parts).encode(), digest_size=16).hexdigest()


def _digest(calls, said):
    text = hashlib.blake2b(said.encode(errors="replace"), digest_size=8)
    for call in calls:
        for part in (*call.args, *call.kwargs.items(), call.result, call.changed):
            text.update(repr(_rounded(part)).encode())
    return text.hexdigest()


def _rounded(value):
    """A value as plain Python, equal for numbers that differ by rounding alone."""
    if isinstance(value, BaseException | np.random.Generator | types.FunctionType):
        return type(value).__name__
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        array = np.asarray(None)
    if array.dtype.kind in "iuf":
        return array.shape, array.dtype == np.uint8, *_steps(array.astype(np.float64))  # a picture is one of bytes
    if array.dtype.kind in "bUS":
        return array.shape, array.tolist()
    return [_rounded(part) for part in value] if isinstance(value, tuple | list) else type(value).__name__


def _steps(array, bits=20, finest=-20):
    """Every number in steps of 2^-20 of the largest, infinity and NaN as they are.  Times pi, for the edges of the
    steps then lie where no result of a calculation does."""
    finite = np.where(np.isfinite(array), array, 0) * np.pi
    exponent = max(int(np.frexp(np.abs(finite).max(initial=0))[1]), finest)
    steps = np.rint(np.ldexp(finite, bits - exponent))
    return exponent, (np.where(np.isfinite(array), steps, array) + 0.0).tolist()  # 0.0: no minus before a zero
