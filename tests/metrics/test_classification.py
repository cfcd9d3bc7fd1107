"""Scores of a classifier against counting by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.metrics.classification import accuracy, confusion_matrix, recalls

pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1)


@given(pairs)
def test_against_counting(pairs):
    predicted, labels = (np.array(column) for column in zip(*pairs, strict=True))
    matrix = confusion_matrix(predicted, labels, 4)
    for true in range(4):
        for guess in range(4):
            assert matrix[true, guess] == pairs.count((guess, true))
    assert accuracy(predicted, labels) == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))
    assert accuracy(predicted, labels) == pytest.approx(np.trace(matrix) / matrix.sum())
    for true, recall in enumerate(recalls(matrix)):
        right, there = matrix[true, true], [b for _, b in pairs].count(true)
        assert math.isnan(recall) if there == 0 else recall == pytest.approx(right / there)


def test_no_image_has_no_accuracy():
    assert math.isnan(accuracy(np.zeros(0, int), np.zeros(0, int)))


def test_lengths_that_differ_are_named():
    with pytest.raises(ValueError, match=r"\(3,\) and \(2,\)"):
        accuracy(np.zeros(3, int), np.zeros(2, int))
