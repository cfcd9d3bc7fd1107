"""What is measured is what was done: figures, goals, growth, turns, memory."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.bench.agreement import require_agreement, require_all_agree
from minissd.bench.figures import MEMORY, OWN_RATE, OWN_TIME, SPEED, Figure, Goal
from minissd.bench.growth_figure import Growth
from minissd.bench.memory import CALLS, STATUS, peak_growth
from minissd.bench.timing import fewer, interleaved
from minissd.errors import MinissdError

MEBIBYTE_OF_FLOATS = 1 << 17  # float64
RUNS = {"minissd": [9.0, 30.0, 10.0], "contiguous": [8.0, 8.0, 8.0], "channels_last": [1.0, 5.0, 5.0]}


def test_a_figure_takes_medians_and_pytorch_at_its_best():
    figure = Figure("work", "ms", RUNS, operations=2_000_000)
    assert figure.ours == 10 and figure.peer == (5.0, "channels_last")
    assert figure.rates() == (0.2, 0.4)  # 2e6 operations in 10 ms are 0.2e9 a second
    assert figure.score is None and figure.verdict is None


@pytest.mark.parametrize(
    "measure, score, reached, missed",
    [(SPEED, 0.5, 0.5, 0.51), (MEMORY, 2, 2, 1.9), (OWN_TIME, 10, 10, 9.9), (OWN_RATE, 10, 10, 10.1)],
)
def test_a_goal_judges_its_measure_from_its_side(measure, score, reached, missed):
    assert Figure("work", "ms", RUNS, Goal(measure, reached)).score == score
    assert Figure("work", "ms", RUNS, Goal(measure, reached)).verdict == "reached"
    assert Figure("work", "ms", RUNS, Goal(measure, missed)).verdict == "missed"
    assert Figure("work", "ms", RUNS, Goal(measure, reached, reached)).verdict == "stretch"
    assert Figure("work", "ms", RUNS, Goal(measure, reached, missed)).verdict == "reached"


@pytest.mark.parametrize("measure, judged", [(SPEED, False), (MEMORY, False), (OWN_TIME, True), (OWN_RATE, True)])
def test_without_pytorch_only_what_is_compared_with_it_stays_open(measure, judged):
    figure = Figure("work", "ms", {"minissd": [1.0]}, Goal(measure, 1.0))
    assert (figure.verdict is not None) == judged


def grown(amounts, times):
    figures = [Figure("work", "ms", {"minissd": [time]}) for time in times]
    return Growth("work", "images", amounts, amounts, "image", figures)


@given(st.floats(0.5, 1.5), st.floats(0.1, 1e3))
def test_the_slope_is_the_power_with_which_time_grows(power, first):
    amounts = (1, 2, 4, 8)
    growth = grown(amounts, [first * amount**power for amount in amounts])
    assert growth.score == pytest.approx(power)
    if abs(abs(power - 1) - 0.15) > 1e-6:
        assert growth.verdict == ("reached" if abs(power - 1) < 0.15 else "missed")


def test_the_cost_of_a_unit_is_time_over_amount():
    assert grown((100, 400), [1.0, 8.0]).per_unit([1.0, 8.0]) == [10, 20]  # microseconds


def test_sides_take_turns():
    calls = []
    sides = {name: partial(calls.append, name) for name in "AB"}
    times = interleaved(sides, 3, lambda done, total: None)
    assert calls == list("AB" + 3 * "AABB")  # the first turn only warms up, as does the first call of each turn
    assert {name: len(values) for name, values in times.items()} == {"A": 3, "B": 3}


def test_slow_work_is_repeated_less_but_never_not_at_all():
    assert [fewer(repeat) for repeat in (1, 3, 15)] == [1, 1, 5]


@pytest.mark.parametrize("wrong", [np.array([1.0, 2.01]), np.array([1.0, np.nan]), np.array([1.0])])
def test_disagreement_is_an_error(wrong):
    require_agreement("y", np.array([1.0, 2.001]), np.array([1.0, 2.0]))
    with pytest.raises(MinissdError, match="^y: "):
        require_agreement("y", wrong, np.array([1.0, 2.0]))


def test_every_array_of_both_sides_has_to_agree():
    right, wrong = np.ones(3), np.full(3, 1.01)
    require_all_agree("all", {"x": right, "y": wrong}, {"x": right, "y": right}, tolerance=0.02)
    with pytest.raises(MinissdError, match="^all, y: "):
        require_all_agree("all", {"x": right, "y": wrong}, {"x": right, "y": right})
    with pytest.raises(MinissdError, match="only one .* gives y"):
        require_all_agree("all", {"x": right, "y": right}, {"x": right})


def test_the_norm_is_a_choice():
    theirs = np.array([1.0, *[0.0] * 9999])
    ours = theirs + 1e-4  # small everywhere, but not together
    require_agreement("y", ours, theirs)
    with pytest.raises(MinissdError):
        require_agreement("y", ours, theirs, norm=np.linalg.norm)


@pytest.mark.skipif(not STATUS.exists(), reason="peak memory is asked of /proc, which is Linux's")
def test_peak_memory_is_that_of_the_work_alone():
    ballast = np.ones(128 * MEBIBYTE_OF_FLOATS)  # must not count, though a child inherits our ru_maxrss
    once, results = peak_growth(partial, total_of_ones, 64 * MEBIBYTE_OF_FLOATS)
    more, _ = peak_growth(partial, total_of_ones, 96 * MEBIBYTE_OF_FLOATS)
    assert once == pytest.approx(64, abs=8) and more == pytest.approx(96, abs=8)
    assert results == [64 * MEBIBYTE_OF_FLOATS] * CALLS
    del ballast


def total_of_ones(count):
    return float(np.ones(count).sum())
