"""The shapes of the schedules: where they rise, where they peak, where they end."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.training import TrainConfig
from minissd.training.schedule import SCHEDULES, one_cycle, step_decay

PEAK = 0.02


@st.composite
def runs(draw):
    """(total, warmup) with room for a way up and a way down."""
    total = draw(st.integers(20, 500))
    return total, draw(st.integers(2, total // 2))


def rates(schedule, total, warmup):
    return [schedule(step, total, PEAK, warmup) for step in range(total)]


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@given(runs())
def test_warm_up_rises_to_the_peak_and_nothing_lies_above_it(schedule, run):
    total, warmup = run
    lr = rates(schedule, total, warmup)
    assert all(before < after for before, after in pairwise(lr[:warmup]))
    assert lr[warmup] == max(lr) == pytest.approx(PEAK)
    assert all(before >= after for before, after in pairwise(lr[warmup:]))
    assert min(lr) > 0


@given(runs())
def test_one_cycle_has_no_jumps(run):
    """The steepest slope of half a cosine is pi / 2 of its mean slope."""
    total, warmup = run
    lr = rates(one_cycle, total, warmup)
    shortest = min(warmup, total - 1 - warmup)
    assert max(abs(after - before) for before, after in pairwise(lr)) <= PEAK * 1.5708 / shortest


@given(st.integers(1, 200))
def test_step_decay_falls_to_a_tenth_at_two_thirds_and_again_at_five_sixths(sixth):
    """As the SSD paper does at 80,000 and 100,000 of 120,000 iterations."""
    lr = rates(step_decay, 6 * sixth, warmup=1)
    for step, rate in enumerate(lr):
        assert rate == pytest.approx(PEAK * (1 if step < 4 * sixth else 0.1 if step < 5 * sixth else 0.01))


@given(st.integers(1, 50))
def test_step_decay_warms_up_on_a_straight_line_that_would_begin_at_0(warmup):
    lr = rates(step_decay, 3 * warmup, warmup)[:warmup]
    assert lr == pytest.approx([PEAK * (step + 1) / warmup for step in range(warmup)])


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(total=st.integers(1, 30), warmup=st.floats(0, 0.999))
def test_runs_of_any_length_have_a_rate_at_every_step(schedule, total, warmup):
    config = TrainConfig(lr=PEAK, schedule=schedule, warmup=warmup)
    assert all(0 < config.learning_rate(step, total) <= PEAK * (1 + 1e-9) for step in range(total))


def test_the_config_gives_the_warm_up_as_a_part_of_all_steps():
    config = TrainConfig(lr=PEAK, warmup=0.25)
    lr = [config.learning_rate(step, 200) for step in range(200)]
    assert lr.index(max(lr)) == 50
