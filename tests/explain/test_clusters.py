"""t-SNE and mean shift on clusters that are plain to see, and what is said where scikit-learn is missing."""

import sys

import numpy as np
import pytest

from minissd.errors import MinissdError
from minissd.explain import clusters, flattened, purity


@pytest.fixture
def blobs(rng):
    """(60, 8) vectors in three groups far apart, and the number of each one's group."""
    groups = np.arange(60) % 3
    return 30 * np.eye(8)[groups] + rng.standard_normal((60, 8)), groups


def test_groups_far_apart_are_found(blobs):
    pytest.importorskip("sklearn")
    vectors, groups = blobs
    points = flattened(vectors, seed=0)
    assert points.shape == (60, 2)
    numbers = clusters(points, seed=0)
    assert purity(numbers, groups) == 1
    assert len(np.unique(numbers)) >= 3
    np.testing.assert_array_equal(flattened(vectors, seed=0), points)


def test_few_points_will_do(rng):
    pytest.importorskip("sklearn")
    points = flattened(rng.standard_normal((11, 4)), seed=0)
    assert len(clusters(points, seed=0)) == 11


def test_purity():
    assert purity(np.array([0, 0, 0, 1, 1]), np.array([5, 5, 2, 2, 2])) == pytest.approx(4 / 5)
    assert purity(np.zeros(4, int), np.array([0, 1, 2, 3])) == pytest.approx(1 / 4)


def test_without_scikit_learn_the_way_out_is_named(monkeypatch, rng):
    for name in ("sklearn", "sklearn.manifold", "sklearn.cluster"):
        monkeypatch.setitem(sys.modules, name, None)
    for attempt in (flattened, clusters):
        with pytest.raises(MinissdError, match=r"minissd\[lessons\].*pca"):
            attempt(rng.standard_normal((12, 2)), 0)
