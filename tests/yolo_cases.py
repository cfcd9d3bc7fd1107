"""What the tests of YOLO draw: objects, and predictions beside labels that have objects in some cells."""

import numpy as np
from hypothesis import strategies as st

ANCHORS = np.array([[0.1, 0.1], [0.2, 0.5], [0.5, 0.2]])
anchor_sets = st.sampled_from([None, ANCHORS])


def objects(rng, count, dtype=np.float64):
    """corners (count, 4) within the image and labels (count,) of three classes."""
    first = rng.uniform(0, 0.9, (count, 2))
    corners = np.concatenate([first, first + rng.uniform(0.02, 1, (count, 2)) * (1 - first)], axis=1)
    return corners.astype(dtype), rng.integers(0, 3, count)


def batch(seed, anchors=None, *, images=2, side=3, predictors=3, classes=3, share=0.4, dtype=np.float64):
    """boxes, classes, class_targets, box_targets of random images."""
    rng = np.random.default_rng(seed)
    answers = 1 if anchors is None else predictors
    cells = images, side, side
    boxes = rng.normal(0.5, 0.4, (*cells, predictors, 5))
    class_targets = rng.integers(1, classes + 1, (*cells, answers)) * (rng.random((*cells, answers)) < share)
    box_targets = rng.uniform(0.05, 1, (*cells, answers, 4)) * (class_targets > 0)[..., None]
    scores = rng.normal(0.3, 0.5, (*cells, answers, classes))
    return boxes.astype(dtype), scores.astype(dtype), class_targets, box_targets.astype(dtype)
