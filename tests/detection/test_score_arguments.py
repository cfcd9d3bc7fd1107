"""What the scores of detections make of empty lists, whole pixels, wrong shapes, NaN and labels that are none."""

import numpy as np
import pytest
from few_boxes import BOXES, LABELS, PIXELS, SCORES

from minissd import detection
from minissd.detection import Detections, Objects, average_precision, evaluate_detections, judge


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
