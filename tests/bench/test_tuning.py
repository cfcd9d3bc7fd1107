"""What `minissd bench --tune` measures, and the costs that it finds in times."""

from dataclasses import replace

import other_machine
import pytest

from minissd.bench import tuning
from minissd.bench.passes import passes
from minissd.engine import ALGORITHMS
from minissd.engine.cpu.processor import this_machine
from minissd.engine.tuning import shipped


@pytest.fixture(scope="module")
def times():
    return other_machine.times()


def test_costs_are_found_again(times):
    found = tuning.fit(shipped().sizes, times)
    assert found.machine == this_machine() and found.sizes == shipped().sizes
    assert tuning.choices(times, found) == tuning.fastest(times) != tuning.choices(times, shipped())
    assert tuning.excess(times, found) == pytest.approx(1)
    for name, cost in other_machine.COSTS.items():
        assert found.costs[name].product == pytest.approx(cost.product, rel=0.02)


def test_some_times_that_another_program_spoiled_change_little(times):
    spoiled = {one: dict(seen) for one, seen in times.items()}
    for one in list(spoiled)[::9]:
        spoiled[one]["im2col"] *= 3
    assert tuning.excess(times, tuning.fit(shipped().sizes, spoiled)) < 1.03


def test_what_is_measured_has_every_algorithm_in_it(monkeypatch):
    some = [*passes((1,), 8, (4, 4)), *passes((2,), 9, (4, 4), kernel=5, stride=2)]
    monkeypatch.setattr(tuning, "PASSES", some)
    monkeypatch.setattr("minissd.bench.passes.HOPELESS", float("inf"))
    monkeypatch.setattr(tuning, "BLOCKS", {"winograd_tiles": ("winograd", some[:1])})
    sizes, seen = tuning.measure(lambda what, done, total: None)
    tiles = shipped().sizes.winograd_tiles
    assert sizes in [replace(shipped().sizes, winograd_tiles=each) for each in (tiles // 2, tiles, 2 * tiles)]
    assert list(seen) == some
    assert {name for of_pass in seen.values() for name in of_pass} == ALGORITHMS.keys()
    assert "taps" in seen[some[0]] and "taps" not in seen[some[1]]  # whose gradients are those of im2col
    assert all(nanoseconds > 0 for of_pass in seen.values() for nanoseconds in of_pass.values())
