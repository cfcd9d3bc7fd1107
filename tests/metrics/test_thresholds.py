"""The score from which on detections are best shown."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.detection import Curve
from minissd.metrics import at_threshold, best_thresholds
from minissd.metrics.thresholds import LEAST_F1, USUAL_THRESHOLD


def curve(hits, scores, objects):
    """Of detections with these scores, best first, that are hits or not."""
    found = np.cumsum(hits)
    return Curve(found / np.arange(1, len(hits) + 1), found / max(objects, 1), np.array(scores, float), objects)


def f1_at(one, threshold):
    """By hand: the detections above the threshold counted."""
    shown = one.scores > threshold
    hits = np.diff(one.recall * one.objects, prepend=0)[shown].sum()
    return 2 * hits / (shown.sum() + one.objects)


def test_the_threshold_lies_between_the_last_that_is_shown_and_the_next():
    one = curve([1, 1, 0, 1, 0, 0], [0.9, 0.8, 0.6, 0.5, 0.3, 0.1], 4)  # F1 of the first four: 2 * 3 / (4 + 4)
    assert best_thresholds({"a": one})["a"] == pytest.approx(0.4)
    at = at_threshold(one, 0.4)
    assert (at.precision, at.recall, at.f1) == pytest.approx((3 / 4, 3 / 4, 3 / 4))


def test_no_threshold_parts_equal_scores():
    one = curve([1, 0, 0], [0.5, 0.5, 0.5], 1)
    assert best_thresholds({"a": one}) == {"a": 0.25}
    assert at_threshold(one, 0.25).f1 == pytest.approx(0.5)


def test_classes_of_which_nothing_was_found_have_none():
    nothing, missed, absent = curve([], [], 3), curve([0, 0], [0.9, 0.2], 3), curve([0], [0.9], 0)
    assert best_thresholds({"nothing": nothing, "missed": missed, "absent": absent}) == {}
    assert at_threshold(nothing, 0.5).f1 == at_threshold(nothing, 0.5).recall == at_threshold(missed, 0.5).f1 == 0
    assert math.isnan(at_threshold(nothing, 0.5).precision) and math.isnan(at_threshold(absent, 0.5).f1)


def test_a_class_that_is_hardly_found_is_not_shown_by_the_hundred():
    scores = [0.2 - 0.001 * k for k in range(150)]
    one = curve([0] * 140 + [1] * 8 + [0] * 2, scores, 31)  # F1 of 148 that are shown: 2 * 8 / (148 + 31)
    assert best_thresholds({"bad": one}) == {}
    assert at_threshold(one, USUAL_THRESHOLD).recall == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=12), st.integers(1, 9))
def test_no_threshold_is_better(found, more):
    found = sorted(found, key=lambda pair: -pair[1])
    hits = [hit for hit, _ in found]
    one = curve(hits, [score / 10 for _, score in found], sum(hits) + more)
    chosen = best_thresholds({"a": one})
    if not chosen:
        assert all(f1_at(one, other) < LEAST_F1 for other in np.arange(0, 1, 0.05))
        return
    best = chosen["a"]
    for other in np.arange(0, 1, 0.05):
        assert f1_at(one, best) >= f1_at(one, other) - 1e-9
    assert at_threshold(one, best).f1 == pytest.approx(f1_at(one, best))
