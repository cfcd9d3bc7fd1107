"""Scores of a classifier: C classes, n images, labels 0..C-1."""

import numpy as np


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Share of the images whose predicted label (n,) is the true one (n,); NaN for no image."""
    _check(predicted, labels)
    return float((predicted == labels).mean()) if len(labels) else float("nan")


def confusion_matrix(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """(C, C) counts: row the true class, column the predicted one."""
    _check(predicted, labels)
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def recalls(matrix: np.ndarray) -> np.ndarray:
    """(C,) floats: of the images of each class, the share recognised; NaN for a class without images."""
    with np.errstate(invalid="ignore"):
        return (np.diagonal(matrix) / matrix.sum(axis=1)).tolist()


def _check(predicted, labels):
    if predicted.shape != labels.shape or labels.ndim != 1:
        raise ValueError(f"expected two arrays of labels (n,), got {predicted.shape} and {labels.shape}")
