"""`minissd bench --tune`: what the algorithms of `conv2d` cost on this machine.

An algorithm counts its `Work`.  Here some convolutions are timed, and nanoseconds for every item of it are fitted to
the times: least squares of relative errors, with numbers that are not negative.  A time is that for which one core
works for this process, since other programs change it less than the time on the wall.
"""

import math
import time
from itertools import combinations
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from minissd.engine.algorithms import ALGORITHMS
from minissd.engine.cpu.processor import this_machine
from minissd.engine.tuning import Cost, Tuning, shipped, tuned, tuning_in_force
from minissd.ops.windows import Windows

TURNS = 10
HOPELESS = 4  # an algorithm is not timed where the tuning in force expects so many times the time of the fastest
ROUNDS = 5  # of the fit
OUTLIER = 0.15  # a relative error


class Pass(NamedTuple):
    """The forward pass of a convolution (need_dx None), or its gradients."""

    windows: Windows
    filters: int
    need_dx: bool | None

    def cost(self, name):
        """Microseconds that the tuning in force expects of an algorithm."""
        return ALGORITHMS[name].cost(self.windows, self.filters, self.need_dx)

    def work(self, name):
        algorithm = ALGORITHMS[name]
        if self.need_dx is None:
            return algorithm.forward_work(self.windows, self.filters)
        return algorithm.gradients_work(self.windows, self.filters, self.need_dx)

    def supported(self, name):
        """Whether an algorithm computes this pass, and by itself."""
        return ALGORITHMS[name].supports(self.windows) and math.isfinite(self.cost(name))

    def sides(self):
        """{name of an algorithm: a function that computes this pass by it}, for all that are not hopeless."""
        costs = {name: self.cost(name) for name in ALGORITHMS if self.supported(name)}
        return {name: self._side(ALGORITHMS[name]) for name in costs if costs[name] <= HOPELESS * min(costs.values())}

    def _side(self, algorithm):
        rng, windows, (n, _, _, c) = np.random.default_rng(0), self.windows, self.windows.x_shape
        x = rng.standard_normal(windows.x_shape, dtype=np.float32)
        w = rng.standard_normal((*windows.kernel, c, self.filters), dtype=np.float32)
        if self.need_dx is None:
            return lambda: algorithm.forward(x, w, w[0, 0, 0], windows)  # any bias
        dy = rng.standard_normal((n, *windows.out, self.filters), dtype=np.float32)
        return lambda: algorithm.gradients(dy, x, w, windows, self.need_dx)


def passes(batches, side, channels, kernel=3, stride=1, dilation=1):
    """The passes of convolutions of square maps that keep their size at stride 1.  channels: (in, out)."""
    c, d = channels
    for n in batches:
        pad = dilation * (kernel // 2)
        windows = Windows.over((n, side, side, c), (kernel, kernel), stride, pad, dilation)
        yield from (Pass(windows, d, need_dx) for need_dx in (None, True, False))


# convolutions of minissd's networks, and others like them
PASSES = (
    *passes((1, 4), 60, (32, 64)),
    *(one for channels in ((16, 64), (64, 96), (96, 36)) for one in passes((1, 4), 30, channels)),
    *(one for channels in ((32, 32), (128, 128), (128, 36)) for one in passes((1, 8), 15, channels)),
    *passes((1, 4, 16), 8, (128, 150)),
    *passes((1, 8), 4, (256, 256)),
    *passes((1,), 38, (256, 256)),
    *passes((1,), 38, (512, 16)),
    *passes((1,), 38, (128, 4), kernel=5),
    *passes((1, 4), 80, (12, 24)),
    *passes((1, 4), 80, (24, 12)),
    *passes((1, 4), 100, (3, 32)),
    *passes((1, 8), 19, (128, 128), kernel=1),
    *passes((1, 16, 64), 28, (1, 6), kernel=5),
    *passes((1, 16, 64), 14, (6, 16), kernel=5),
    *passes((2, 8), 64, (3, 16), stride=2),
    *passes((1, 4), 60, (16, 32), stride=2),
    *passes((1, 4), 60, (64, 64), stride=2),
    *passes((1, 4), 15, (128, 128), stride=2),
    *passes((16,), 8, (128, 128), stride=2),
    *passes((1,), 19, (64, 128), dilation=2),
    *passes((1,), 19, (64, 128), dilation=6),
)


def measure(report):
    """{Pass: {name of an algorithm: nanoseconds}}.  report(what, done, total) is called as the work goes on."""
    times = {}
    with threadpool_limits(1, user_api="blas"):
        for done, one in enumerate(PASSES):
            report("measuring", done, len(PASSES))
            sides, seen = one.sides(), {}
            for _ in range(TURNS + 1):  # the first one warms up
                for name, side in sides.items():
                    started = time.process_time_ns()
                    side()
                    seen.setdefault(name, []).append(time.process_time_ns() - started)
            times[one] = {name: min(of_name[1:]) for name, of_name in seen.items()}
    report("measuring", len(PASSES), len(PASSES))
    return times


def fit(times):
    """The `Tuning` of this machine for such times, with the sizes of the one in force."""
    costs = {}
    for name in tuning_in_force().costs:
        of_name = [(one, seen) for one, seen in times.items() if name in seen]
        counts = np.array([one.work(name)[:-1] for one, _ in of_name], dtype=float)
        taken = np.array([seen[name] for _, seen in of_name], dtype=float)
        fastest = np.array([min(seen.values()) for _, seen in of_name])
        weights = fastest / taken  # the times of a slow algorithm need not be known as well
        costs[name] = Cost(*(float(f"{value:.3g}") for value in _fitted(counts, taken, weights)))
    return Tuning(shipped().version, this_machine(), tuning_in_force().sizes, costs)


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
