"""What holds for matching: which default box answers for which object.  G objects, P default boxes."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import naive
from minissd.properties.box_sets import intervals
from minissd.properties.core import Property, equals, require_equal


@st.composite
def overlap_tables(draw, max_objects=3, max_boxes=4):
    """overlaps (G, P): twentieths, no two alike except for 0."""
    objects, boxes = draw(st.integers(1, max_objects)), draw(st.integers(1, max_boxes))
    values = np.array(draw(st.permutations(range(1, 1 + objects * boxes)))) / 20
    meet = draw(st.lists(st.sampled_from([True, True, False]), min_size=len(values), max_size=len(values)))
    return {"overlaps": (values * meet).reshape(objects, boxes)}


def _alone_takes_its_best(function, overlaps):
    best = overlaps[0].argmax() if overlaps.any() else -1
    require_equal(function(overlaps), np.array([best]), what="the box of a single object")


def _no_box_serves_two(function, overlaps):
    own_box = np.asarray(function(overlaps))
    require_equal(own_box.shape, (len(overlaps),), what="the shape of the result")
    taken = own_box[own_box >= 0].tolist()
    assert len(set(taken)) == len(taken), f"one box serves two objects: {own_box}"


def _nothing_for_no_overlap(function, overlaps):
    own_box = np.asarray(function(overlaps))
    wrong = [g for g, box in enumerate(own_box) if box >= 0 and overlaps[g, box] == 0]
    assert not wrong, f"object {wrong[0]} takes box {own_box[wrong[0]]}, which it does not overlap: {own_box}"


BEST_FREE_BOXES = (
    Property("gives a single object the box it overlaps most", overlap_tables(1, 3), _alone_takes_its_best),
    Property("gives no box to two objects", overlap_tables(), _no_box_serves_two),
    Property("gives no object a box that it does not overlap", overlap_tables(), _nothing_for_no_overlap),
    equals(naive.best_free_boxes, overlap_tables(), statement="serves the largest overlap of all first"),
)


@st.composite
def scenes(draw, max_objects=3):
    """Objects and default boxes in one row: ties, shared best boxes and strangers are common."""
    objects = draw(intervals(max_boxes=max_objects))
    boxes = naive.to_centers(draw(intervals()))
    labels = draw(arrays(int, len(objects), elements=st.integers(0, 2)))
    return {
        "objects_corners": objects,
        "labels": labels,
        "default_boxes": boxes,
        "threshold": draw(st.sampled_from([0.5, 0.25])),
    }


@st.composite
def exact_scenes(draw):
    """A single object that is a default box."""
    case = draw(scenes(1))
    case["objects_corners"] = naive.to_corners(case["default_boxes"][:1])
    return case


def _exact_box(function, objects_corners, labels, default_boxes, threshold):
    class_targets, offset_targets = function(objects_corners, labels, default_boxes, threshold)
    require_equal(class_targets[0], labels[0] + 1, what="the class target of the box that is the object")
    require_equal(offset_targets[0], np.zeros(4), what="its offset targets")


def _everyone_is_learnt(function, objects_corners, labels, default_boxes, threshold):
    """Labels are made distinct, so that it can be seen who answers for whom."""
    labels = np.arange(len(objects_corners))
    class_targets, _ = function(objects_corners, labels, default_boxes, threshold)
    own_box = naive.best_free_boxes(naive.iou(objects_corners, naive.to_corners(default_boxes)))
    for g in np.flatnonzero(own_box >= 0):
        assert g + 1 in class_targets, f"no box answers for object {g} (class target {g + 1}): {class_targets}"


MATCH = (
    Property("lets a box that is the object answer for it", exact_scenes(), _exact_box),
    Property("leaves out no object that can be served", scenes(), _everyone_is_learnt),
    equals(naive.match, scenes(), statement="follows both rules, the first having the last word"),
)
