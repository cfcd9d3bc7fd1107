"""The score from which on a detector's answers are best taken for objects, for each class.

Runs on the host.  Symbols: K detections of a class, the best score first.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from minissd.detection.metrics import Curve

USUAL_THRESHOLD = 0.5  # of what says of no class which score is best
LEAST_F1 = (
    0.1  # a class that is found worse at any threshold has none: the best one would show hundreds of false alarms
)


class AtThreshold(NamedTuple):
    """What comes of showing the detections of a class that score higher than a threshold."""

    threshold: float
    precision: float  # NaN if nothing scores higher
    recall: float  # NaN if there is no object
    f1: float


def f1_of(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    """F1 = 2 P R / (P + R), the harmonic mean of precision and recall; 0 where both are 0."""
    return 2 * precision * recall / np.maximum(precision + recall, 1e-12)


def best_thresholds(curves: Mapping[str, Curve]) -> dict[str, float]:
    """{class: threshold}: showing what scores higher than it has the highest F1 (the highest such threshold).

    It lies half-way between the last score that is to be shown and the next one.  Classes whose highest F1 is below
    LEAST_F1 have none.
    """
    best = {}
    for name, (precision, recall, scores, _) in curves.items():
        f1 = f1_of(precision, recall)
        f1[:-1][scores[1:] == scores[:-1]] = 0  # no threshold lies between equal scores
        if f1.max(initial=0) >= LEAST_F1:
            last = int(f1.argmax())
            best[name] = float(scores[last] + np.append(scores, 0)[last + 1]) / 2
    return best


def at_threshold(curve: Curve, threshold: float) -> AtThreshold:
    """Precision, recall and F1 of the detections of one class that score higher than `threshold`."""
    shown = int(np.count_nonzero(curve.scores > threshold))
    nan = float("nan")
    precision = float(curve.precision[shown - 1]) if shown else nan
    recall = (float(curve.recall[shown - 1]) if shown else 0.0) if curve.objects else nan
    f1 = nan if not curve.objects else float(f1_of(np.nan_to_num(precision), np.array(recall)))
    return AtThreshold(float(threshold), precision, recall, f1)
