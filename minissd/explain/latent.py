"""Latent space: an image as the means of its feature maps, and what such vectors are good for.

    r_k = mean over all locations of map k          one number for each feature

Distances are cosines between centred representations: the mean of the set they belong to is taken off first, since what
all images have in common (no activation behind a ReLU is negative) would make every angle small.

Legend: N images, M others, D features, C classes.  Everything but `representations` is NumPy in host memory.
"""

import numpy as np

from minissd.device import Array, to_numpy
from minissd.explain.taps import look
from minissd.models import Network


def representations(model: Network, layer: str, images: Array) -> np.ndarray:
    """images (N, S, S, C) -> (N, D): the mean of each map of a layer; a vector (N, D) that it outputs stays itself."""
    y = look(model, [layer], images)[layer].output
    return to_numpy(y if y.ndim == 2 else y.mean(axis=tuple(range(1, y.ndim - 1))))


def unit(vectors: np.ndarray) -> np.ndarray:
    """(N, D) of length 1; a zero vector stays one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def nearest(queries: np.ndarray, known: np.ndarray, count: int) -> np.ndarray:
    """The `count` vectors of known (M, D) that make the smallest angle with each of queries (N, D) -> (N, count)."""
    cosines = unit(queries) @ unit(known).T  # (N, M)
    return np.argsort(-cosines, axis=1, kind="stable")[:, :count]


def neighbour_accuracy(
    queries: np.ndarray, labels: np.ndarray, known: np.ndarray, known_labels: np.ndarray, count: int = 10
) -> float:
    """Share of queries (N, D) whose label (N,) has most votes among their `count` nearest of known (M, D).

    Of labels with equally many votes that of the nearest voter wins.
    """
    votes = known_labels[nearest(queries, known, count)]  # (N, count), nearest first
    agreeing = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)  # (N, count) how many vote alike
    winners = votes[np.arange(len(votes)), agreeing.argmax(axis=1)]
    return float((winners == labels).mean())


def moved(vectors: np.ndarray, labels: np.ndarray, vector: np.ndarray, source: int, target: int) -> np.ndarray:
    """vector (D,) - mean of class `source` + mean of class `target`: the same thing, were it of another class.

    vectors (N, D), labels (N,): whose means these are.
    """
    return vector - vectors[labels == source].mean(axis=0) + vectors[labels == target].mean(axis=0)
