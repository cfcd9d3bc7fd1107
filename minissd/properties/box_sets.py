"""What Hypothesis draws for boxes: small sets, many overlaps, exact fractions so that ties do occur."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

GRID = 16  # coordinates are multiples of 1 / 16: exact in binary, so that equal overlaps are equal


@st.composite
def corners(draw, min_boxes=0, max_boxes=8, min_side=1):
    """(n, 4) float64 corners on a grid within the image, sides of at least `min_side` cells."""
    count = draw(st.integers(min_boxes, max_boxes))
    side = st.integers(min_side, GRID)
    boxes = []
    for _ in range(count):
        w, h = draw(side), draw(side)
        left, top = draw(st.integers(0, GRID - w)), draw(st.integers(0, GRID - h))
        boxes.append((left, top, left + w, top + h))
    return np.array(boxes, dtype=np.float64).reshape(-1, 4) / GRID


@st.composite
def scored_corners(draw, max_boxes=12):
    """corners (n, 4) and scores (n,) with ties."""
    boxes = draw(corners(max_boxes=max_boxes))
    scores = draw(arrays(np.float64, len(boxes), elements=st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9])))
    return boxes, scores


def offsets(shape):
    """Predictions of a moderate size."""
    return arrays(np.float64, shape, elements=st.floats(-4, 4))


def whole_corners(**limits):
    """`corners` in whole numbers 0..GRID, plain to read: overlaps do not depend on the unit."""
    return corners(**limits).map(lambda boxes: boxes * GRID)


@st.composite
def intervals(draw, min_boxes=1, max_boxes=4, most_wide=4):
    """(n, 4) corners of boxes in one row, all of height 1: they overlap as their intervals on the x axis do."""
    count = draw(st.integers(min_boxes, max_boxes))
    width = st.integers(1, most_wide)
    spans = [(draw(st.integers(0, 4)), draw(width)) for _ in range(count)]
    return np.array([(left, 0, left + w, 1) for left, w in spans], dtype=np.float64).reshape(-1, 4)
