"""A latent space drawn flat, and its clusters: t-SNE (van der Maaten and Hinton 2008) and mean shift.

The one part of minissd that needs scikit-learn: pip install 'minissd[lessons]'.
"""

import importlib

import numpy as np
from threadpoolctl import threadpool_limits

from minissd.engine.runtime import current
from minissd.errors import MinissdError

PERPLEXITY = 30  # about how many neighbours of a point matter
QUANTILE = 0.12  # of the distances: how far mean shift looks


def flattened(vectors: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE: vectors (N, D) -> (N, 2), in which neighbours stay neighbours; distances between clusters mean little."""
    manifold = _scikit_learn("manifold")
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)  # it has to be smaller than N
    # more threads wait for one another at every step: on a busy machine for minutes
    with current().blas.at_most(1), threadpool_limits(1):
        return manifold.TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors)


def clusters(points: np.ndarray, seed: int) -> np.ndarray:
    """Mean shift: points (N, 2) -> (N,) number of the peak of their density that each climbs to."""
    cluster = _scikit_learn("cluster")
    radius = cluster.estimate_bandwidth(points, quantile=QUANTILE, random_state=seed)
    return cluster.MeanShift(bandwidth=radius or None, bin_seeding=True).fit_predict(points)


def purity(numbers: np.ndarray, labels: np.ndarray) -> float:
    """Share of the points whose label (N,) is the most frequent one of their cluster (N,)."""
    hits = sum(np.bincount(labels[numbers == number]).max() for number in np.unique(numbers))
    return float(hits / len(labels))


def _scikit_learn(part):
    try:
        return importlib.import_module(f"sklearn.{part}")
    except ImportError:
        raise MinissdError(
            "t-SNE and mean shift need scikit-learn, which is not installed: pip install 'minissd[lessons]', "
            "or use --projection pca"
        ) from None
