"""What the functions on boxes make of integers, lists, wrong shapes and NaN."""

import numpy as np
import pytest
from few_boxes import BOXES, LABELS, PIXELS, SCORES

from minissd.detection import (
    SSD300,
    clip,
    decode,
    default_boxes,
    encode,
    encode_cells,
    iou,
    match,
    nms,
    to_centers,
    to_corners,
)

OVERLAPS = [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]  # of PIXELS


# --- boxes of whole pixels ---


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.uint16])
def test_whole_pixels_are_float64(dtype):
    boxes = PIXELS.astype(dtype)
    np.testing.assert_allclose(iou(boxes, boxes), OVERLAPS, atol=1e-12)
    np.testing.assert_array_equal(to_centers(boxes)[0], [30, 40, 40, 40])
    np.testing.assert_array_equal(to_corners(np.array([[30, 40, 41, 40]], dtype)), [[9.5, 20, 50.5, 60]])
    np.testing.assert_array_equal(nms(boxes, np.array([1, 3, 2], dtype), 0.4), [1, 2])  # -3 of unsigned is large
    assert iou(boxes, boxes.astype(np.float32)).dtype == to_centers(boxes).dtype == np.float64


def test_whole_pixels_are_encoded_and_matched_among_pixels():
    boxes = np.array([[30, 40, 40, 40], [120, 140, 40, 80]])  # centers
    moved = boxes + np.array([4, 0, 0, 0])
    np.testing.assert_allclose(encode(moved, boxes), [[1, 0, 0, 0]] * 2)
    np.testing.assert_array_equal(decode(np.array([[1, 0, 0, 0]]), boxes[:1]), moved[:1])
    classes, offsets = match(PIXELS[[0, 2]], np.array([4, 2], np.uint8), boxes)
    np.testing.assert_array_equal(classes, [5, 3])
    np.testing.assert_array_equal(offsets, 0)
    assert classes.dtype == np.int64


def test_the_label_255_of_bytes_is_no_background():
    assert match(BOXES[:1], np.array([255], np.uint8), to_centers(BOXES))[0][0] == 256
    assert encode_cells(BOXES[:1], np.array([255], np.uint8), 1)[0].max() == 256


def test_pixels_are_not_taken_for_parts_of_the_image():
    with pytest.raises(TypeError, match="divide by its width and height"):
        clip(PIXELS)
    with pytest.raises(ValueError, match="in pixels"):
        match(PIXELS.astype(float), np.zeros(3, int), default_boxes(SSD300))
    with pytest.raises(ValueError, match="divide pixels by its size"):
        encode_cells(PIXELS, np.zeros(3, int), 7)


# --- no boxes ---


TAKES_BOXES = {
    "to_corners": to_corners,
    "to_centers": to_centers,
    "iou": lambda boxes: iou(boxes, boxes),
    "iou, second": lambda boxes: iou(BOXES, boxes),
    "encode": lambda boxes: encode(boxes, boxes),
    "decode": lambda boxes: decode(boxes, boxes),
    "nms": lambda boxes: nms(boxes, SCORES),
    "match": lambda boxes: match(BOXES, LABELS, boxes),
}


@pytest.mark.parametrize("function", TAKES_BOXES.values(), ids=TAKES_BOXES)
@pytest.mark.parametrize("boxes", [np.ones((2, 5)), np.ones((2, 3)), np.float64(3), np.ones(())])
def test_other_shapes_are_refused(function, boxes):
    with pytest.raises(ValueError, match=r"must be boxes \(\.\.\., (N, )?4\), got"):
        function(boxes)


@pytest.mark.parametrize("function", TAKES_BOXES.values(), ids=TAKES_BOXES)
def test_lists_and_other_kinds_are_refused_with_what_to_do(function):
    with pytest.raises(TypeError, match=r"numpy\.asarray"):
        function(BOXES.tolist())
    for kind in (bool, complex, object):
        with pytest.raises(TypeError, match="floats or integers"):
            function(BOXES.astype(kind))


@pytest.mark.parametrize("function", [lambda box: iou(box, BOXES), lambda box: nms(box, SCORES)])
def test_one_box_without_an_axis_of_boxes_is_refused_where_many_are_meant(function):
    with pytest.raises(ValueError, match=r"\(4,\)"):
        function(BOXES[0])


def test_centers_in_place_of_corners_are_noticed():
    centers = np.array([[0.5, 0.5, 0.2, 0.2], [0.4, 0.4, 0.3, 0.3]])
    for call in (lambda: iou(BOXES, centers), lambda: nms(centers, SCORES)):
        with pytest.raises(ValueError, match="to_corners turns centers"):
            call()


def test_boxes_without_extent_cannot_be_encoded():
    with pytest.raises(ValueError, match="not positive"):
        encode(np.array([[0.5, 0.5, 0, 0.1]]), to_centers(BOXES))
    with pytest.raises(ValueError, match="default_boxes.*not positive"):
        encode(to_centers(BOXES), np.array([[0.5, 0.5, 0.1, -0.1]]))


def test_boxes_that_do_not_go_together_are_named():
    for call in (
        lambda: iou(np.ones((2, 3, 4)), np.ones((5, 3, 4))),
        lambda: encode(to_centers(BOXES), np.ones((3, 4))),
        lambda: decode(np.ones((3, 4)), to_centers(BOXES)),
    ):
        with pytest.raises(ValueError, match="do not go together"):
            call()
    for variances in ((0, 0.2), (0.1,), (0.1, np.nan)):
        with pytest.raises(ValueError, match="variances"):
            decode(BOXES, BOXES, variances)


def test_a_nan_among_corners_shows_in_the_overlaps():
    boxes = BOXES.copy()
    boxes[0, 2] = np.nan
    np.testing.assert_array_equal(np.isnan(iou(boxes, BOXES)), [[True, True], [False, False]])


# --- nms ---


def test_nms_of_logits_keeps_all_that_are_not_suppressed():
    boxes = PIXELS.astype(float)
    logits = np.array([-3.0, -1.0, -7.0])
    np.testing.assert_array_equal(nms(boxes, logits), [1, 2])
    np.testing.assert_array_equal(nms(boxes, logits, 0.6), [1, 0, 2])
    np.testing.assert_array_equal(nms(boxes, logits, 0.6, score_threshold=-5), [1, 0])
    np.testing.assert_array_equal(nms(boxes, logits, score_threshold=0), [])


@pytest.mark.parametrize(
    ("corners", "scores", "options", "words"),
    [
        (BOXES, np.array([0.5, np.nan]), {}, "NaN"),
        (BOXES * [1, 1, 1, np.inf], SCORES, {}, "not finite"),
        (BOXES, SCORES[:, None], {}, r"\(2, 1\)"),
        (BOXES, np.array(["a", "b"]), {}, "floats or integers"),
        (BOXES, SCORES, {"top_k": -1}, "top_k -1"),
        (BOXES, SCORES, {"iou_threshold": -0.1}, "-0.1"),
        (BOXES, SCORES, {"iou_threshold": np.nan}, "nan"),
    ],
)
def test_nms_refuses_what_it_could_not_order(corners, scores, options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        nms(corners, scores, **options)


def test_on_a_card_a_score_that_is_nan_takes_no_part(strict):
    found = nms(strict.asarray(BOXES), strict.asarray(np.array([np.nan, 0.2])))
    np.testing.assert_array_equal(found.get(), [1])
