"""`python -m minissd.course.milestones.child`: a milestone with a student's files, in a process of its own.

The request comes as JSON on the standard input; the outcome goes as JSON, and the picture as PNG, into the files that
it names, and a line for each step ("step steps loss") into a third.
"""

import json
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from functools import partial
from pathlib import Path

from minissd.course.child import FirstPart, limit_memory
from minissd.course.milestones import MILESTONES
from minissd.course.milestones.trial import trial
from minissd.course.own import Own, connected
from minissd.course.shelf import read_lessons


def main():
    request = json.load(sys.stdin)
    kind = MILESTONES[request["number"]]
    exercises = connected(read_lessons(request["shelf"]))
    make = partial(kind, digits=request["digits"]) if kind.needs_digits else kind
    size = kind.quick if request["quick"] else kind.full
    limit_memory(request["megabytes"])
    shown = FirstPart(sys.stdout)
    with open(request["progress"], "w", buffering=1) as progress, redirect_stdout(shown), redirect_stderr(shown):
        warnings.simplefilter("ignore", RuntimeWarning)  # a wrong function overflows, which the loss shows
        own = Own(exercises, request["sources"])
        outcome, milestone, params = trial(
            make, own, size, lambda step, total, loss: progress.write(f"{step} {total} {loss}\n")
        )
        if milestone and params and outcome.score is not None:
            milestone.picture(params).save(request["picture"])
    Path(request["answer"]).write_text(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
