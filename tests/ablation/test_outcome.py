"""Means, spreads, and what is said of a claim."""

from math import isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.ablation import EXPERIMENTS, Experiment, Outcome, Variant, outcome_of_times, outcome_of_training
from minissd.ablation.outcome import NO_OBJECTS, NOT_SEEN, ONE_SEED, OPPOSITE, SUPPORTED, TOO_SHORT, judge

scores = st.lists(st.floats(0.1, 1), min_size=2, max_size=5)


def result(score, sizes=(nan, nan, nan)):
    """What a run gives, as it comes from its file: NaN is null there."""
    scores = [None if isnan(size) else size for size in sizes]
    by_size = {name: {"mAP": s, "recall": s} for name, s in zip(("small", "medium", "large"), scores, strict=True)}
    return {"mAP": score, "recall": score / 2, "sizes": by_size, "default_boxes": 510}


@given(scores, scores)
def test_mean_and_spread_are_those_of_numpy(ours, theirs):
    outcome = Outcome("x", "claim", "mAP", {"a": ours, "b": theirs}, (("a", "b"),), {"a": ours, "b": theirs}, {})
    written = outcome.as_dict()
    for name, values in outcome.values.items():
        assert written["variants"][name]["mean"] == pytest.approx(np.mean(values))
        assert written["variants"][name]["spread"] == pytest.approx(np.std(values, ddof=1))
        assert written["variants"][name]["runs"] == values
    (verdict,) = outcome.verdicts
    assert verdict.difference == pytest.approx(np.mean(ours) - np.mean(theirs), abs=1e-12)
    assert verdict.spread == pytest.approx(sqrt(np.var(ours, ddof=1) + np.var(theirs, ddof=1)))


@pytest.mark.parametrize(
    ("better", "worse", "word"),
    [
        ([0.6, 0.62], [0.4, 0.42], SUPPORTED),
        ([0.4, 0.42], [0.6, 0.62], OPPOSITE),
        ([0.5, 0.7], [0.4, 0.6], NOT_SEEN),  # a difference of 0.1, a spread of 0.2
        ([0.4, 0.6], [0.5, 0.7], NOT_SEEN),
        ([0.6], [0.4], ONE_SEED),
        ([0.04, 0.04], [0.0, 0.0], TOO_SHORT),
        ([nan, nan], [0.5, 0.6], NO_OBJECTS),
    ],
)
def test_what_is_said_of_scores(better, worse, word):
    assert judge({"a": better, "b": worse}, "a", "b", "mAP").word == word


def test_of_times_less_is_better():
    verdict = judge({"a": [10.0, 12.0], "b": [30.0, 31.0]}, "a", "b", "ms")
    assert verdict.word == SUPPORTED and verdict.difference == pytest.approx(19.5)
    assert judge({"a": [30.0, 31.0], "b": [10.0, 12.0]}, "a", "b", "ms").word == OPPOSITE


def test_results_of_training_become_values_of_the_variants():
    experiment = Experiment("claim", {"a": Variant(), "b": Variant(ratios=())}, (("a", "b"),))
    results = {"a": [result(0.5), result(0.75)], "b": [result(0.25), result(0.25)]}
    outcome = outcome_of_training("x", experiment, results)
    assert outcome.values == {"a": [0.5, 0.75], "b": [0.25, 0.25]}
    assert outcome.recalls == {"a": [0.25, 0.375], "b": [0.125, 0.125]}
    assert outcome.boxes == {"a": 510, "b": 510}


def test_sizes_are_compared_within_the_runs_of_one_variant():
    runs = [result(0.5, (0.1, 0.4, 0.8)), result(0.5, (0.2, 0.5, 0.9))]
    outcome = outcome_of_training("object-size", EXPERIMENTS["object-size"], {"whole": runs})
    assert outcome.values == {"small": [0.1, 0.2], "medium": [0.4, 0.5], "large": [0.8, 0.9]}
    assert [verdict.word for verdict in outcome.verdicts] == [SUPPORTED, SUPPORTED]


def test_sizes_that_the_data_lack_are_said_to_lack():
    runs = [result(0.5, (nan, 0.4, 0.8)), result(0.5, (nan, 0.5, 0.9))]
    outcome = outcome_of_training("object-size", EXPERIMENTS["object-size"], {"whole": runs})
    assert {verdict.word for verdict in outcome.verdicts} == {NO_OBJECTS}


def test_times_have_neither_recall_nor_boxes():
    experiment = Experiment("claim", {}, (("a", "b"),))
    written = outcome_of_times("x", experiment, {"a": [1.0, 2.0], "b": [5.0, 6.0]}).as_dict()
    assert written["unit"] == "ms" and written["variants"]["a"]["recall"] is None
