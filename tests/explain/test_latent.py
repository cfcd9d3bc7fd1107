"""Representations, neighbours, votes and arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.explain import moved, nearest, neighbour_accuracy, representations


def test_a_representation_is_the_mean_of_each_map(toy, images):
    model = toy()
    maps = dict(model.trace(images))["conv"]
    found = representations(model, "conv", images)
    np.testing.assert_allclose(found, [[one[:, :, k].mean() for k in range(4)] for one in maps])
    np.testing.assert_allclose(representations(model, "pool", images), found)  # the same, by the layer that does it


def angle(a, b):
    return np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 8), st.integers(2, 4))
def test_nearest_by_angle_whatever_the_lengths(seed, n, m, d):
    rng = np.random.default_rng(seed)
    queries, known = rng.standard_normal((n, d)), rng.standard_normal((m, d))
    found = nearest(queries, known, 3)
    assert found.shape == (n, min(3, m))
    for query, row in zip(queries, found, strict=True):
        by_loop = sorted(range(m), key=lambda j: angle(query, known[j]))[:3]
        np.testing.assert_allclose([angle(query, known[j]) for j in row], [angle(query, known[j]) for j in by_loop])
    np.testing.assert_array_equal(nearest(5 * queries, known * rng.uniform(1, 9, (m, 1)), 3), found)


def vote(labels):
    """Most votes; among equals the one that comes first."""
    return max(labels, key=lambda label: (labels.count(label), -labels.index(label)))


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(3, 20), st.integers(1, 10))
def test_votes_against_a_loop(seed, n, m, count):
    rng = np.random.default_rng(seed)
    queries, known = rng.standard_normal((n, 3)), rng.standard_normal((m, 3))
    labels, known_labels = rng.integers(0, 4, n), rng.integers(0, 4, m)
    hits = [
        vote(known_labels[row].tolist()) == label
        for row, label in zip(nearest(queries, known, count), labels, strict=True)
    ]
    assert neighbour_accuracy(queries, labels, known, known_labels, count) == pytest.approx(np.mean(hits))


def test_arithmetic_takes_a_mean_to_a_mean(rng):
    vectors, labels = rng.standard_normal((12, 5)), np.arange(12) % 3
    means = [vectors[labels == label].mean(axis=0) for label in range(3)]
    np.testing.assert_allclose(moved(vectors, labels, means[0], 0, 2), means[2])
    there = moved(vectors, labels, vectors[4], 1, 0)
    np.testing.assert_allclose(moved(vectors, labels, there, 0, 1), vectors[4])  # and back
