"""Learning rates: plain functions of the step, so that a resumed run needs no state to continue.

Steps count from 0.  Both schedules begin with a warm-up, when the running statistics and the momentum are not yet
worth trusting.
"""

import math

STEP_DECAY = 0.1
STEP_MILESTONES = (2 / 3, 5 / 6)  # the SSD paper: 80k and 100k of 120k iterations
ONE_CYCLE_START, ONE_CYCLE_END = 1 / 25, 1e-4  # first and last rate, as parts of the peak


def step_decay(step: int, total: int, peak: float, warmup: int) -> float:
    """Linear from 0 to `peak` over `warmup` steps, then divided by ten at 2/3 and again at 5/6 of `total`."""
    if step < warmup:
        return peak * ((step + 1) / warmup)
    return peak * STEP_DECAY ** sum(step >= milestone * total for milestone in STEP_MILESTONES)


def one_cycle(step: int, total: int, peak: float, warmup: int) -> float:
    """Half a cosine up to `peak` over `warmup` steps, then half a cosine down to almost nothing (Smith 2018)."""
    if step < warmup:
        return _cosine(peak * ONE_CYCLE_START, peak, step / warmup)
    return _cosine(peak, peak * ONE_CYCLE_END, (step - warmup) / max(total - 1 - warmup, 1))


def _cosine(start, end, fraction):
    return end + (start - end) * (1 + math.cos(math.pi * min(fraction, 1))) / 2


SCHEDULES = {"one-cycle": one_cycle, "step": step_decay}
