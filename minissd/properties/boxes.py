"""What holds for boxes: two ways to write them, their overlap, and non-maximum suppression."""

import numpy as np
from hypothesis import strategies as st

from minissd import naive
from minissd.properties.box_sets import GRID, whole_corners
from minissd.properties.core import Property, equals, require_equal


def named(name, strategy):
    """Cases of a function with one argument."""
    return st.fixed_dictionaries({name: strategy})


few_corners = whole_corners(min_boxes=1, max_boxes=2)
few_centers = few_corners.map(naive.to_centers)


# --- two ways to write a box ---


def _any_leading_shape(name):
    def holds(function, **case):
        boxes = case[name]
        expected = np.asarray(function(boxes))[:, None]
        require_equal(function(boxes[:, None]), expected, what="the result for boxes (n, 1, 4)")

    return holds


def _comes_back_as_centers(function, centers):
    require_equal(naive.to_centers(function(centers)), centers, what="centre and size of the result")


def _comes_back_as_corners(function, corners):
    require_equal(naive.to_corners(function(corners)), corners, what="the corners of the result")


TO_CORNERS = (
    equals(naive.to_corners, named("centers", few_centers), statement="gives the edges of the box"),
    Property("loses nothing: centre and size can be had back", named("centers", few_centers), _comes_back_as_centers),
    Property("takes boxes (..., 4) of any leading shape", named("centers", few_centers), _any_leading_shape("centers")),
)
TO_CENTERS = (
    equals(naive.to_centers, named("corners", few_corners), statement="gives the middle and the size of the box"),
    Property("loses nothing: the corners can be had back", named("corners", few_corners), _comes_back_as_corners),
    Property("takes boxes (..., 4) of any leading shape", named("corners", few_corners), _any_leading_shape("corners")),
)


# --- overlap ---


@st.composite
def pairs_of_sets(draw):
    return {"a": draw(few_corners), "b": draw(few_corners)}


@st.composite
def apart(draw):
    """Two boxes with room between them, beside each other, below, or both."""
    box, other = draw(whole_corners(min_boxes=1, max_boxes=1)), draw(whole_corners(min_boxes=1, max_boxes=1))
    right, down = draw(st.sampled_from([(1, 0), (0, 1), (1, 1)]))
    return {"a": box, "b": other + GRID * np.array([right, down, right, down])}


@st.composite
def without_extent(draw):
    """At least one of the two boxes is a point."""
    place = draw(st.integers(0, 3))
    point = np.full((1, 4), float(place))
    return {"a": point, "b": draw(st.sampled_from([point, np.array([[0.0, 0, 4, 4]])]))}


def _one_with_itself(function, boxes):
    require_equal(np.diag(function(boxes, boxes)), np.ones(len(boxes)), what="the overlap of each box with itself")


def _nothing_shared(function, a, b):
    require_equal(function(a, b), np.zeros((len(a), len(b))))


def _symmetric(function, a, b):
    require_equal(np.asarray(function(b, a)).T, np.asarray(function(a, b)), what="iou(b, a).T beside iou(a, b)")


def _unit_does_not_matter(function, a, b):
    same = np.asarray(function(a / GRID + 1, b / GRID + 1))
    require_equal(same, np.asarray(function(a, b)), what=f"the overlaps, all boxes divided by {GRID} and moved by 1")


IOU = (
    Property("gives 1 for a box and itself", named("boxes", few_corners), _one_with_itself),
    Property("gives 0 for boxes that do not meet", apart(), _nothing_shared),
    equals(naive.iou, pairs_of_sets(), statement="is the shared area over the area of the union"),
    Property("does not mind which set comes first", pairs_of_sets(), _symmetric),
    Property("does not depend on the unit or the place", pairs_of_sets(), _unit_does_not_matter),
    Property("gives 0, not NaN, for boxes of no extent", without_extent(), _nothing_shared),
)


# --- non-maximum suppression ---


@st.composite
def rows_of_boxes(draw, places=(0, 1, 2, 3, 4)):
    """Boxes of width 4 in one row, at left edges `places`: neighbours share 3/5, the next 1/3, then 1/7."""
    left = draw(st.lists(st.sampled_from(places), min_size=1, max_size=4))
    corners = np.array([(x, 0, x + 4, 1) for x in left], dtype=float)
    scores = np.array(draw(st.permutations([0.9, 0.8, 0.7, 0.6][: len(left)])))
    return {"corners": corners, "scores": scores, "iou_threshold": draw(st.sampled_from([0.5, 0.25, 0.6]))}


@st.composite
def scattered_boxes(draw):
    case = draw(rows_of_boxes())
    far = 10.0 * np.arange(len(case["scores"]))
    case["corners"] = np.stack([far, 0 * far, far + 4, 0 * far + 1], axis=1)
    return case


@st.composite
def chains(draw):
    """Three boxes of which each overlaps the next: the best removes the second, which is not there to remove the
    third."""
    step, width = draw(
        st.sampled_from([(1, 3), (2, 5), (2, 4)])
    )  # neighbours share 1/2, 3/7, 1/3, the ends 1/5, 1/9, 0
    left = draw(st.integers(0, 9)) + step * np.arange(3)
    order = draw(st.permutations(range(3)))
    corners = np.array([(x, 0, x + width, 1) for x in left], dtype=float)[order]
    return {"corners": corners, "scores": np.array([0.9, 0.8, 0.7])[order], "iou_threshold": 0.25}


def _all_stay(function, corners, scores, iou_threshold):
    order = np.argsort(-scores)
    require_equal(function(corners, scores, iou_threshold), order, what="the indices, of boxes none of which overlap")


NMS = (
    Property("keeps all boxes, best first, where none overlap", scattered_boxes(), _all_stay),
    equals(naive.nms, chains(), statement="keeps what only a removed box overlaps"),
    equals(naive.nms, rows_of_boxes(), statement="keeps the boxes that the loop of the algorithm keeps"),
)
