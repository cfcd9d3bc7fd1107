"""Scores of a regression: n images, a number for each."""

import numpy as np


def mean_absolute_error(predicted: np.ndarray, values: np.ndarray) -> float:
    """Mean of |predicted - value|, both (n,); NaN for no image."""
    _check(predicted, values)
    return float(np.abs(predicted - values).mean()) if len(values) else float("nan")


def explained(predicted: np.ndarray, values: np.ndarray) -> float:
    """R^2 = 1 - sum (predicted - value)^2 / sum (mean - value)^2, both (n,): 1 for all exact, 0 for always the mean.

    It may be negative; NaN if all values are equal, for there is nothing to explain then.
    """
    _check(predicted, values)
    spread = ((values - values.mean()) ** 2).sum() if len(values) else 0
    return float(1 - ((predicted - values) ** 2).sum() / spread) if spread else float("nan")


def _check(predicted, values):
    if predicted.shape != values.shape or values.ndim != 1:
        raise ValueError(f"expected two arrays of numbers (n,), got {predicted.shape} and {values.shape}")
