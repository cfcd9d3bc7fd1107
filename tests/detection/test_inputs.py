"""What the functions on boxes make of integers, lists, wrong shapes, NaN and labels that are none."""

import numpy as np
import pytest

from minissd import detection
from minissd.detection import (
    SSD300,
    DefaultBoxSpec,
    Detections,
    MapSpec,
    Objects,
    average_precision,
    cell_detections,
    clip,
    decode,
    default_boxes,
    detections_from,
    encode,
    encode_cells,
    evaluate_detections,
    iou,
    judge,
    match,
    nms,
    scales,
    to_centers,
    to_corners,
)
from minissd.errors import MinissdError

PIXELS = np.array([[10, 20, 50, 60], [10, 20, 50, 40], [100, 100, 140, 180]])  # corners, whole pixels
OVERLAPS = [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]
BOXES = np.array([[0.1, 0.1, 0.5, 0.5], [0.5, 0.5, 0.9, 0.9]])
LABELS = np.array([0, 1])
SCORES = np.array([0.9, 0.8])


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


# --- match, cells, and what a network puts out ---


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


# --- scores ---


def found(corners=BOXES, labels=LABELS, scores=SCORES):
    return Detections(corners, labels, scores)


def present(corners=BOXES, labels=LABELS, difficult=(False, False)):
    return Objects(corners, labels, np.array(difficult))


def test_a_data_set_without_images_has_nothing_to_find():
    result = evaluate_detections([], [], ("a", "b"))
    assert np.isnan([result["mAP"], result["recall"], *result["AP"].values()]).all()
    assert list(result["AP"]) == ["a", "b"]


@pytest.mark.parametrize("nothing", [Detections([], [], []), Detections(*(np.array([]),) * 3)])
def test_an_image_without_detections_may_say_so_with_empty_lists(nothing):
    result = evaluate_detections([nothing, found()], [present(), present()], ("a", "b"))
    assert result["AP"] == {"a": pytest.approx(6 / 11), "b": pytest.approx(6 / 11)}  # one of two found: 0 .. 0.5
    assert evaluate_detections([found()], [Objects([], [], [])], ("a", "b"))["recall"] is not None


def test_whole_pixels_are_scored():
    objects = Objects(PIXELS, np.zeros(3, int), np.zeros(3, bool))
    np.testing.assert_array_equal(judge(Detections(PIXELS[::-1], np.zeros(3, int), np.arange(3)), objects), [1, 1, 1])


@pytest.mark.parametrize(
    ("detections", "objects", "words"),
    [
        (found(labels=np.array([0, 2])), present(), r"detections of image 0 have label 2: 2 classes have 0\.\.1"),
        (found(), present(labels=np.array([-1, 0])), "objects of image 0 have label -1"),
        (found(labels=np.array([0.5, 1])), present(), "float64"),
        (found(scores=SCORES[:1]), present(), r"\(1,\)"),
        (found(scores=np.array([0.1, np.nan])), present(), "not finite"),
        (found(corners=np.ones((2, 5))), present(), r"\(2, 5\)"),
        (found(corners=BOXES[:, [2, 3, 0, 1]]), present(), "x_max < x_min"),
        (found(), present(difficult=(False,)), r"objects of image 0 must be.*\(1,\)"),
        (found(), BOXES, "three arrays"),
    ],
)
def test_what_cannot_be_scored_is_refused(detections, objects, words):
    with pytest.raises(ValueError, match=words):
        evaluate_detections([detections], [objects], ("a", "b"))


@pytest.mark.parametrize("classes", [(), ("a", "a")])
def test_classes_are_told_apart_by_their_names(classes):
    with pytest.raises(ValueError, match="classes must be"):
        evaluate_detections([found()], [present()], classes)


@pytest.mark.parametrize("threshold", [0, -1, 1.5, np.nan, 50])
def test_an_overlap_that_nothing_or_everything_has_is_refused(threshold):
    with pytest.raises(ValueError, match="iou_threshold"):
        evaluate_detections([found()], [present()], ("a", "b"), threshold)


@pytest.mark.parametrize("method", detection.metrics.METHODS)
@pytest.mark.parametrize(
    ("recall", "precision"),
    [([0.1, 0.2], [1.0]), ([0.2, 0.1], [1.0, 1.0]), ([0.1, np.nan], [1.0, 1.0]), (0.5, 0.5), ([0.5], [5.0])],
)
def test_what_is_no_curve_is_refused(recall, precision, method):
    with pytest.raises(ValueError, match="recall"):
        average_precision(recall, precision, method)
