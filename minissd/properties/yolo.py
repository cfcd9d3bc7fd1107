"""What holds for YOLO's cells: what they should say, who answers for an object, what a wrong box costs.

Symbols: S cells a side, B predictors in a cell, K cells in a row.
"""

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import detection, naive
from minissd.gradcheck.digits import apart
from minissd.properties.box_sets import corners
from minissd.properties.core import Property, equals, require_equal

quarters = st.sampled_from([0.5, 0.25, 0.75, 0.0, 1.0])
roots = st.sampled_from([0.5, 0.25, 0.75, 1.0])  # of widths and heights


# --- the labels of the cells ---


@st.composite
def labelled_objects(draw, max_objects=3):
    boxes = draw(corners(min_boxes=1, max_boxes=max_objects))
    labels = draw(arrays(int, len(boxes), elements=st.integers(0, 2)))
    return {"corners": boxes, "labels": labels, "side": draw(st.sampled_from([2, 1, 3, 4]))}


def _one_cell_answers(function, corners, labels, side):
    class_targets, _ = function(corners, labels, side)
    require_equal(np.count_nonzero(class_targets), 1, what="the number of cells that have a class, for one object")


def _lost_to_the_first(function, corners, labels, side):
    twice = np.concatenate([corners, corners])
    labels = np.concatenate([labels, labels + 1])
    require_equal(function(twice, labels, side), naive.encode_cells(twice, labels, side))


CELL_TARGETS = (
    Property("lets exactly one cell answer for one object", labelled_objects(1), _one_cell_answers),
    equals(
        naive.encode_cells,
        labelled_objects(1),
        statement="says class, place in the cell, and size of the object in the cell of its centre",
    ),
    Property("lets the first of two objects in one cell stay", labelled_objects(1), _lost_to_the_first),
    equals(naive.encode_cells, labelled_objects(), statement="does so for every object"),
)


def library_cell_targets(corners, labels, side):
    """`encode_cells` without anchors and without its axis of answers."""
    class_targets, box_targets = detection.encode_cells(corners, labels, side, dtype=np.float64)
    return class_targets[..., 0], box_targets[..., 0, :]


# --- the responsible predictor ---


@st.composite
def predictions(draw, min_boxes=2, max_boxes=5):
    """Some predictors of one cell, x, y, sqrt(w), sqrt(h), confidence, and the object, x, y, w, h."""
    count = draw(st.integers(min_boxes, max_boxes))
    rows = [(draw(quarters), draw(quarters), draw(roots), draw(roots), draw(quarters)) for _ in range(count)]
    target = draw(quarters), draw(quarters), draw(roots) ** 2, draw(roots) ** 2
    return {"boxes": np.array(rows), "target": np.array(target), "side": draw(st.sampled_from([2, 4, 1]))}


def _overlaps_most(function, boxes, target, side):
    overlaps = naive.predictor_overlaps(boxes, target, side)
    chosen = function(boxes, target, side)
    require_equal(np.shape(chosen), (), what="the shape of the index")
    best = int(np.argmax(overlaps))
    less, most = apart(overlaps[int(chosen)], overlaps[best], 3)
    assert overlaps[int(chosen)] > overlaps[best] - 1e-9, (
        f"predictor {chosen} is chosen, whose box overlaps the object by {less}; that of {best} does by {most}"
    )


def _first_of_equals(function, boxes, target, side):
    require_equal(function(np.repeat(boxes, 3, axis=0), target, side), 0, what="the choice among three equal boxes")


RESPONSIBLE_PREDICTOR = (
    Property("chooses the predictor whose box overlaps the object most", predictions(), _overlaps_most),
    Property("takes the first of equal boxes", predictions(1, 1), _first_of_equals),
)


def library_responsible_predictor(boxes, target, side):
    """`assign_predictors` for the first cell of an image, as an index."""
    class_targets = np.zeros((1, side, side, 1), dtype=int)
    class_targets[0, 0, 0] = 1
    everywhere = np.broadcast_to(boxes, (1, side, side, *boxes.shape)).copy()
    targets = np.broadcast_to(target, (1, side, side, 1, 4)).copy()
    responsible, _ = detection.assign_predictors(everywhere, class_targets, targets)
    return int(responsible[0, 0, 0].argmax())


# --- what a wrong box costs ---


@st.composite
def answers(draw):
    """K cells with an object or without."""
    cells, predictors = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    boxes = draw(arrays(float, (cells, predictors, 5), elements=roots))
    targets = draw(arrays(float, (cells, 4), elements=roots)) ** [1, 1, 2, 2]
    who = [draw(st.integers(-1, predictors - 1)) for _ in range(cells)]  # -1: no object
    responsible = np.array(who)[:, None] == np.arange(predictors)
    return {"boxes": boxes, "box_targets": targets, "responsible": responsible}


def coordinate_loss(boxes, box_targets, responsible):
    """Terms 1 and 2 of the YOLO loss, predictor by predictor."""
    loss = 0.0
    for k, b in np.argwhere(responsible):
        (x, y, root_w, root_h, _), (x_true, y_true, w_true, h_true) = boxes[k, b], box_targets[k]
        loss += 5 * ((x - x_true) ** 2 + (y - y_true) ** 2)
        loss += 5 * ((root_w - math.sqrt(w_true)) ** 2 + (root_h - math.sqrt(h_true)) ** 2)
    return loss


def _perfect_is_free(function, boxes, box_targets, responsible):
    perfect = boxes.copy()
    perfect[..., :2], perfect[..., 2:4] = box_targets[:, None, :2], np.sqrt(box_targets[:, None, 2:])
    require_equal(function(perfect, box_targets, responsible), 0.0, what="the loss of a perfect answer")


def _others_do_not_count(function, boxes, box_targets, responsible):
    changed = np.where(responsible[..., None], boxes, 0)
    expected = function(boxes, box_targets, responsible)
    require_equal(function(changed, box_targets, responsible), expected, what="the loss, with all other boxes at 0")


COORDINATE_LOSS = (
    Property("is 0 for a perfect answer", answers(), _perfect_is_free),
    Property("does not look at predictors that are not responsible", answers(), _others_do_not_count),
    equals(coordinate_loss, answers(), statement="is 5 times the squared errors of x, y and the two roots"),
)


def library_coordinate_loss(boxes, box_targets, responsible):
    """The two terms of `yolo_loss`, where each cell is the only one of an image of its own."""
    cells = boxes[:, None, None]  # (K, 1, 1, B, 5)
    class_targets = responsible.any(axis=-1)[:, None, None, None].astype(int)
    who = detection.Assignment(responsible[:, None, None], np.zeros(cells.shape[:-1]))
    nothing = np.zeros((len(boxes), 1, 1, 1, 1))
    targets = box_targets[:, None, None, None]
    _, cache = detection.yolo_loss(cells, nothing, class_targets, targets, images=1, assignment=who)
    return cache.center + cache.size
