"""Numeric checks of backward passes, and the diagnosis of what is wrong with one that fails."""

from minissd.gradcheck.check import GradientError, away_from, check_backward, distinct, numeric_gradient
from minissd.gradcheck.diagnosis import Diagnosis, diagnose

__all__ = [
    "Diagnosis",
    "GradientError",
    "away_from",
    "check_backward",
    "diagnose",
    "distinct",
    "numeric_gradient",
]
