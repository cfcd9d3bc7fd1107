"""Is the number right, and if not, whose function is it?

First the student's functions answer a few steps beside the library's, call by call: which give something else?  Then
the network is trained with the student's.  If its score misses the figure, each function that gave something else is
swapped for the library's in turn, and the score says what that one was worth.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from minissd.course.milestones.base import Diverged, Milestone, Params, Report, Size
from minissd.course.own import Own, filename_of
from minissd.course.reading import explain

MOST_SWAPPED = 3  # of these functions: each costs a training
FEW = {"held_out": 4, "epochs": 2}


@dataclass
class Outcome:
    """score: None if the run broke off, and why then says `failure`.  differing: {name: what is wrong} of functions
    that do not answer as the library's.  swapped: {name: the score with the library's in its place}, or None where
    that run broke off too.  missing: {name: why} of those that the library stood in for from the beginning."""

    figure: float
    used: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    differing: dict[str, str] = field(default_factory=dict)
    score: float | None = None
    failure: str = ""
    swapped: dict[str, float | None] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        return self.score is not None and self.score >= self.figure


def trial(
    make: Callable[[Own, Size], Milestone], own: Own, size: Size, report: Report | None = None
) -> tuple[Outcome, Milestone | None, Params | None]:
    """What came of a milestone, and what was trained; None, None if that broke off."""
    outcome = Outcome(size.figure)
    uses = _compare(make, own, size)
    run = partial(_trained, make, own, size)
    milestone = params = None
    try:
        milestone, params = run(report)
        in_training = own.called.copy()
        outcome.score = milestone.score(params)
    except Exception as error:  # whatever the student's code may raise
        outcome.failure = _reason(error, own)
    if milestone and params and not outcome.reached and not own.differing:
        _compare_again(milestone, own, params)
    if not outcome.reached:
        for name in list(own.differing)[:MOST_SWAPPED]:
            with own.swapped(name):
                try:
                    if milestone and params and name not in in_training:
                        outcome.swapped[name] = milestone.score(params)
                    else:
                        again, others = run(report)
                        outcome.swapped[name] = again.score(others)
                except Exception:  # another function errs as well
                    outcome.swapped[name] = None
    outcome.used = [name for name in uses if name in own.functions]
    outcome.missing = {name: own.missing[name] for name in uses if name in own.missing}
    outcome.differing = own.differing
    return outcome, milestone, params


def _trained(make, own, size, report):
    own.called.clear()
    milestone = make(own, size)
    params, _ = milestone.train(report)
    return milestone, params


def _compare(make, own, size):
    """Two steps and a few pictures, answered by both; returns the exercises that a milestone needs."""
    with own.beside():
        few = make(own, size._replace(images=_class_of(make).batch_size // 2, **FEW))
        params, _ = few.train()
        few.score(params)
    return few.uses


def _compare_again(milestone, own, params):
    """With the weights of the end, which ask other questions."""
    batch = slice(0, milestone.batch_size)
    zeros = {name: np.zeros(p.shape) for name, p in params.items()}
    with own.beside():
        try:
            milestone.add_gradients(params, milestone.images[batch], milestone.targets[batch], zeros)
            milestone.score(params)
        except Exception as error:
            own.differing.setdefault("training_loop", f"its params are of no use: {error}")


def _class_of(make):
    """The class of a milestone, though its digits may have been given to it already."""
    return make.func if isinstance(make, partial) else make


def _reason(error, own):
    if isinstance(error, Diverged):
        return str(error)
    theirs = {filename_of(name) for name in own.functions}
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__) if frame.filename in theirs]
    return f"{files[-1]}: {explain(error, files[-1])}" if files else explain(error, "")
