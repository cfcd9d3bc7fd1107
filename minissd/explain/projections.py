"""Feature projections: what a network makes of each place of an image, as a colour (Szegedy et al. 2015).

Every location of a map is characterised by its D scores, one for each feature.  The three directions in which these
vary most over a set of images (principal components) become red, green and blue: what has one colour is alike to the
network.

    X = (features - mean)  (n, D),     X = U S V^T,     component i: row i of V^T, with variance S_i^2 / n

Everything here is NumPy in host memory.
"""

from typing import NamedTuple

import numpy as np

OUTLIERS = 1.0  # percent at either end whose colour is cut off


class Components(NamedTuple):
    """Principal components of features of D scores."""

    mean: np.ndarray  # (D,)
    directions: np.ndarray  # (K, D), orthonormal
    shares: np.ndarray  # (K,) of the variance, largest first

    def project(self, features: np.ndarray) -> np.ndarray:
        """(..., D) -> (..., K): the coordinates along the components."""
        return (features - self.mean) @ self.directions.T


def principal_components(features: np.ndarray, number: int) -> Components:
    """The first components of features (n, D), at most `number`; fewer where n or D is smaller.

    Their signs, which are arbitrary, are such that the largest entry of each is positive.
    """
    mean = features.mean(axis=0)
    _, singular, directions = np.linalg.svd(features - mean, full_matrices=False)
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    variances = singular**2
    shares = variances / max(variances.sum(), np.finfo(variances.dtype).tiny)
    return Components(mean, directions[:number], shares[:number])


def feature_colours(maps: np.ndarray) -> tuple[np.ndarray, float]:
    """maps (N, H, W, D), D >= 1 -> colours (N, H, W, 3) from 0 to 1, and the share of the variance that they show."""
    components = principal_components(maps.reshape(-1, maps.shape[-1]), 3)
    scores = components.project(maps)  # (N, H, W, K)
    low, high = np.percentile(scores, (OUTLIERS, 100 - OUTLIERS), axis=(0, 1, 2))
    scaled = np.clip((scores - low) / np.maximum(high - low, 1e-12), 0, 1)
    missing = 3 - scaled.shape[-1]
    colours = np.pad(scaled, ((0, 0),) * 3 + ((0, missing),), constant_values=0.5)
    return colours, float(components.shares.sum())
