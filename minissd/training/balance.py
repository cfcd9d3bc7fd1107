"""Balanced sampling: images that show rare classes are drawn more often (Gupta et al. 2019, "LVIS", appendix B.1).

f_c is the share of the images that show class c, and

    r_c = sqrt(max f / f_c)        w_i = max of r_c over the classes c that image i shows

w_i weighs image i; one without any class has the weight of the most frequent one, 1.  An epoch is as long as without.
"""

from typing import Any

import numpy as np

from minissd.data.samples import Dataset


def draw_weights(dataset: Dataset, task: Any) -> np.ndarray:
    """(N,) how often each image is to be drawn, in times of one that shows only the most frequent class."""
    seen = classes_seen(dataset, task)
    images = seen.sum(axis=0)  # (C,) that show each class
    factors = np.sqrt(images.max() / np.maximum(images, 1))  # r_c; of a class without images nothing is asked
    return np.where(seen, factors, 1).max(axis=1)


def classes_seen(dataset: Dataset, task: Any) -> np.ndarray:
    """(N, C) bool: which image shows which class."""
    seen = np.zeros((len(dataset), len(dataset.classes)), bool)
    for i in range(len(dataset)):
        seen[i, task.labels_in(dataset, i)] = True
    return seen


def drawn_in_an_epoch(dataset: Dataset, task: Any) -> dict[str, tuple[int, float]]:
    """{class: (images that show it, how often such an image is drawn in a balanced epoch, on average)}."""
    seen, weights = classes_seen(dataset, task), draw_weights(dataset, task)
    draws = weights * len(weights) / weights.sum()  # (N,)
    return {name: (int(seen[:, c].sum()), float(draws[seen[:, c]].sum())) for c, name in enumerate(dataset.classes)}
