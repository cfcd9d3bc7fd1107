"""What a network learns from and outputs, and its default boxes: labels that are none, wrong shapes, NaN."""

import numpy as np
import pytest
from few_boxes import BOXES, LABELS

from minissd.detection import (
    SSD300,
    DefaultBoxSpec,
    MapSpec,
    cell_detections,
    default_boxes,
    detections_from,
    encode_cells,
    match,
    scales,
    to_centers,
)
from minissd.errors import MinissdError

# --- match, cells, and what a network outputs ---


@pytest.mark.parametrize(
    ("corners", "labels", "words"),
    [
        (BOXES, np.array([0, -1]), "label -1"),
        (BOXES, np.array([0.0, 1.0]), "float64"),
        (BOXES, LABELS[:, None], r"\(2, 1\)"),
        (np.ones((1, 5)), LABELS[:1], r"\(1, 5\)"),
        (np.array([[0, 0, np.nan, 1]]), LABELS[:1], "not finite"),
    ],
)
def test_match_refuses_objects_that_would_go_unlearned(corners, labels, words):
    with pytest.raises((ValueError, TypeError), match=words):
        match(corners, labels, to_centers(BOXES))


@pytest.mark.parametrize("threshold", [-0.1, 50, np.nan])
def test_match_refuses_a_threshold_that_is_no_overlap(threshold):
    with pytest.raises(ValueError, match="threshold"):
        match(BOXES, LABELS, to_centers(BOXES), threshold)


@pytest.mark.parametrize("side", [0, -1, 7.5])
def test_cells_need_a_number_of_them(side):
    with pytest.raises(ValueError, match="side"):
        encode_cells(BOXES, LABELS, side)


@pytest.mark.parametrize("labels", [np.array([0]), np.array([0, -1]), np.array([0.0, 1.0])])
def test_cells_refuse_labels_that_are_none(labels):
    with pytest.raises(ValueError, match="labels"):
        encode_cells(BOXES, labels, 7)


def test_outputs_that_do_not_go_together_are_refused():
    offsets, logits, boxes = np.zeros((1, 2, 4)), np.zeros((1, 2, 3)), to_centers(BOXES)
    for wrong in ((offsets[0], logits, boxes), (offsets, logits[:, :1], boxes), (offsets, logits, boxes[:1])):
        with pytest.raises(ValueError, match="detections_from needs"):
            detections_from(*wrong)
    with pytest.raises(ValueError, match="detections_from needs"):
        detections_from(offsets, logits[..., :1], boxes)  # background alone
    for option in ({"limit": 0}, {"candidates": -1}, {"score_threshold": -1}, {"score_threshold": np.nan}):
        with pytest.raises(ValueError, match="at least 1"):
            detections_from(offsets, logits, boxes, **option)
    cells = {"boxes": np.zeros((1, 2, 2, 3, 5)), "classes": np.zeros((1, 2, 2, 1, 2))}
    for other in (
        {"boxes": np.zeros((1, 2, 2, 3, 4))},
        {"classes": np.zeros((1, 2, 2, 2, 2))},
        {"anchors": np.ones((2, 2))},
        {"boxes": np.zeros((1, 2, 2, 3, 5), int)},
    ):
        with pytest.raises(ValueError, match="needs"):
            cell_detections(**cells | other)
    assert cell_detections(cells["boxes"][:0], cells["classes"][:0]) == []


@pytest.mark.parametrize("place", ["offsets", "logits"])
@pytest.mark.parametrize("on_card", [False, True])
def test_a_network_that_diverged_does_not_answer_that_nothing_is_there(strict, place, on_card):
    output = {"offsets": np.zeros((2, 2, 4)), "logits": np.zeros((2, 2, 3)), "default_boxes": to_centers(BOXES)}
    output[place][1, 1, 2] = np.nan
    if on_card:
        output = {name: strict.asarray(array) for name, array in output.items()}
    with pytest.raises(MinissdError, match="not finite"):
        detections_from(**output)


# --- default boxes ---


@pytest.mark.parametrize(
    "options",
    [
        {"size": (0, 3)},
        {"size": (3,)},
        {"scale": 0.0},
        {"ratios": (2, -1)},
        {"step": 0},
        {"next_scale": np.nan},
    ],
)
def test_a_map_without_cells_or_extent_is_refused(options):
    with pytest.raises(ValueError, match="a map has"):
        MapSpec(**{"size": (3, 3), "scale": 0.2, "next_scale": 0.4, "ratios": (2,)} | options)


def test_specs_of_nothing_are_refused():
    one = {"map_sizes": (3,), "sizes": (30, 60), "ratios": ((2,),)}
    for options in ({"input_size": 0}, {"clip": "corners"}, {"map_sizes": (), "sizes": (30,), "ratios": ()}):
        with pytest.raises(ValueError, match="input_size"):
            DefaultBoxSpec.from_sizes(**{"input_size": 300} | one | options)
    with pytest.raises(ValueError, match="at least one map"):
        scales(0)
    with pytest.raises(TypeError, match="int64"):
        default_boxes(SSD300, np.int64)


def test_a_map_size_may_be_a_number_of_numpy():
    spec = DefaultBoxSpec.from_sizes(300, [np.int64(3)], (30, 60), ((2,),))
    assert len(default_boxes(spec)) == 3 * 3 * 4
