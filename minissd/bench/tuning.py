"""`minissd bench --tune`: how large blocks should be on this machine, and what the algorithms of `conv2d` cost.

An algorithm counts its `Work`.  Here some convolutions are timed, and nanoseconds for every item of it are fitted to
the times: least squares of relative errors, with numbers that are not negative.  A time is that for which one core
works for this process, since other programs change it less than the time on the wall.
"""

import time
from dataclasses import replace
from itertools import combinations

import numpy as np
from threadpoolctl import threadpool_limits

from minissd.bench.passes import PASSES, passes
from minissd.engine.algorithms import ALGORITHMS
from minissd.engine.cpu.processor import this_machine
from minissd.engine.tuning import Cost, Tuning, shipped, tuned, tuning_in_force

TURNS = 10
CLEARLY = 0.95  # of the time: then another size is taken
ROUNDS = 5  # of the fit
OUTLIER = 0.15  # a relative error

# size of a block: (the algorithm that works in such blocks, passes to measure it by)
BLOCKS = {
    "im2col_block": ("im2col", tuple(passes((4,), 60, (32, 64)))),
    "winograd_tiles": ("winograd", tuple(passes((4,), 38, (128, 128)))),
    "winograd_rows_block": ("winograd-rows", tuple(passes((4,), 60, (32, 64)))),
    "strided_block": ("strided", tuple(passes((8,), 60, (64, 64), stride=2))),
}


def measure(report):
    """The best `Sizes`, and with them {Pass: {name of an algorithm: nanoseconds}}.

    report(what, done, total) is called as the work goes on.
    """
    with threadpool_limits(1, user_api="blas"):
        sizes = _measured_sizes(report)
        with tuned(replace(tuning_in_force(), sizes=sizes)):
            return sizes, _measured_times(report)


def _measured_sizes(report):
    """The sizes in force, but blocks of half or twice as much where that is clearly faster."""
    sizes = tuning_in_force().sizes
    for done, (name, (algorithm, of_block)) in enumerate(BLOCKS.items()):
        report("sizes of blocks", done, len(BLOCKS))
        size = getattr(sizes, name)
        candidates = max(1, size // 2), size, 2 * size
        taken = _least_times({each: _with_size(name, each, algorithm, of_block) for each in candidates})
        best = min(taken, key=taken.__getitem__)
        if taken[best] < CLEARLY * taken[size]:
            sizes = replace(sizes, **{name: best})
    report("sizes of blocks", len(BLOCKS), len(BLOCKS))
    return sizes


def _with_size(name, size, algorithm, of_block):
    """A function that computes these passes with another size."""
    sides = [one.by(algorithm) for one in of_block]

    def side():
        with tuned(**{name: size}):
            for compute in sides:
                compute()

    return side


def _measured_times(report):
    times = {}
    for done, one in enumerate(PASSES):
        report("algorithms", done, len(PASSES))
        times[one] = _least_times(one.sides())
    report("algorithms", len(PASSES), len(PASSES))
    return times


def _least_times(sides):
    """{key: nanoseconds} of functions that take turns; the first turn warms up."""
    seen = {key: [] for key in sides}
    for _ in range(TURNS + 1):
        for key, side in sides.items():
            started = time.process_time_ns()
            side()
            seen[key].append(time.process_time_ns() - started)
    return {key: min(of_key[1:]) for key, of_key in seen.items()}


def fit(sizes, times):
    """The `Tuning` of this machine for what was measured."""
    with tuned(replace(tuning_in_force(), sizes=sizes)):
        costs = {name: _cost(name, times) for name in ALGORITHMS}
    return Tuning(shipped().version, this_machine(), sizes, costs)


def _cost(name, times):
    """The `Cost` of an algorithm; that in force, if it was hardly measured."""
    of_name = [(one, seen) for one, seen in times.items() if name in seen]
    if len(of_name) < len(Cost._fields):
        return tuning_in_force().costs[name]
    counts = np.array([one.work(name)[:-1] for one, _ in of_name], dtype=float)
    taken = np.array([seen[name] for _, seen in of_name], dtype=float)
    fastest = np.array([min(seen.values()) for _, seen in of_name])
    weights = fastest / taken  # the times of a slow algorithm need not be known as well
    return Cost(*(float(f"{value:.3g}") for value in _fitted(counts, taken, weights)))


def fastest(times):
    """{Pass: name of the algorithm}"""
    return {one: min(seen, key=seen.__getitem__) for one, seen in times.items()}


def choices(times, by):
    """{Pass: name of the algorithm} that a tuning chooses among those that were timed."""
    with tuned(by):
        return {one: min(seen, key=one.cost) for one, seen in times.items()}


def excess(times, by):
    """The time of what a tuning chooses, in times of the fastest algorithm: the geometric mean over all passes."""
    ratios = [times[one][name] / min(times[one].values()) for one, name in choices(times, by).items()]
    return float(np.exp(np.mean(np.log(ratios))))


def _fitted(counts, taken, weights):
    """The numbers c >= 0 (items,) for which counts (M, items) @ c is about taken (M,); outliers weigh less."""
    weights = weights / taken  # relative errors
    solution = _not_negative(counts * weights[:, None], taken * weights)
    for _ in range(ROUNDS):
        errors = np.abs(np.log(np.maximum(counts @ solution, 1) / taken))
        milder = weights * np.sqrt(np.minimum(1, OUTLIER / np.maximum(errors, OUTLIER)))
        solution = _not_negative(counts * milder[:, None], taken * milder)
    return solution


def _not_negative(a, b):
    """argmin |a x - b| over x >= 0: the best of the solutions over all subsets of columns, of which there are few."""
    best, least = np.zeros(a.shape[1]), np.inf
    for size in range(1, a.shape[1] + 1):
        for columns in map(list, combinations(range(a.shape[1]), size)):
            part = np.linalg.lstsq(a[:, columns], b, rcond=None)[0]
            error = np.sum((a[:, columns] @ part - b) ** 2)
            if part.min() >= 0 and error < least:
                best, least = np.zeros(a.shape[1]), error
                best[columns] = part
    return best
