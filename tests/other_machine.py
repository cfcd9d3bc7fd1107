"""A machine of made-up costs, and the times that it takes."""

from dataclasses import replace

from minissd.bench.passes import PASSES
from minissd.engine import ALGORITHMS
from minissd.engine.tuning import Cost, shipped, tuned

COSTS = {
    "im2col": Cost(2000.0, 0.01, 0.5, 3.0, 0.1),
    "winograd": Cost(1000.0, 0.03, 0.8, 0.0, 0.4),
    "winograd-rows": Cost(3000.0, 0.02, 0.4, 0.0, 0.2),
    "strided": Cost(900.0, 0.015, 0.3, 6.0, 0.5),
    "taps": Cost(1500.0, 0.02, 0.2, 5.0, 0.3),
    "banded": Cost(1100.0, 0.012, 0.9, 0.0, 0.3),
}


def times():
    """As `minissd.bench.tuning.measure` returns them, by all algorithms."""
    with tuned(replace(shipped(), costs=COSTS)):
        costs = {one: {name: one.cost(name) for name in ALGORITHMS if one.supported(name)} for one in PASSES}
    return {one: {name: 1000 * cost for name, cost in of_pass.items()} for one, of_pass in costs.items()}
