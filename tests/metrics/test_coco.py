"""COCO's twelve figures, against published ones and pycocotools (where it is installed; else against its answers)."""

import contextlib
import csv
import io
import json

import numpy as np
import pytest
from coco_problems import CLASSES, random_problem

from minissd.detection import Detections, Objects
from minissd.metrics import Extents, coco_metrics

NAMES = ["AP", "AP50", "AP75", "APsmall", "APmedium", "APlarge", "AR1", "AR10", "AR100", "ARsmall", "ARmedium"]
NAMES += ["ARlarge"]
NOTHING = np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)
ANSWERS = {  # the twelve in the order of their names, to six places
    0: "0.194953 0.353942 0.145543 0.037946 0.344329 0.518737 0.100641 0.357692 0.398718 0.15 0.692857 0.775",
    1: "0.152563 0.245060 0.144102 0.022936 0.14256 0.469444 0.171429 0.350794 0.360318 0.1 0.366667 0.566667",
    2: "0.150123 0.227448 0.179078 0.0 0.180404 0.655957 0.177778 0.366667 0.372222 0.0 0.244444 0.875",
}


def figures(detections, objects, extents, classes=CLASSES):
    return coco_metrics(detections, objects, extents, classes)["coco"]


def by_pycocotools(detections, objects, extents, classes=CLASSES):
    """The twelve, in order, NaN for its -1; corners of the boxes in pixels."""
    coco, evaluation = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")

    def entries(boxes, labels, image):
        for (x, y, right, bottom), label in zip(boxes, labels, strict=True):
            yield {"image_id": image + 1, "category_id": int(label) + 1, "bbox": [x, y, right - x, bottom - y]}

    annotations, results = [], []
    for image, (found, truth, extent) in enumerate(zip(detections, objects, extents, strict=True)):
        for entry, area, crowd in zip(entries(*truth[:2], image), extent.areas, extent.crowd, strict=True):
            annotations.append(entry | {"id": len(annotations) + 1, "area": area, "iscrowd": int(crowd)})
        for entry, score in zip(entries(*found[:2], image), found.scores, strict=True):
            results.append(entry | {"score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": image + 1} for image in range(len(objects))],
            "annotations": annotations,
            "categories": [{"id": label + 1} for label in range(len(classes))],
        }
        truth.createIndex()
        score = evaluation.COCOeval(truth, truth.loadRes(results), "bbox")
        score.evaluate(), score.accumulate(), score.summarize()
    return np.where(score.stats < 0, np.nan, score.stats)


def test_published_figures(shared):
    """The set coco100, by COCO's own implementation."""
    folder = shared / "data" / "metrics-oracle"
    rows = [list(csv.DictReader((folder / f"coco100-{kind}.csv").open())) for kind in ("detections", "groundtruth")]
    categories = sorted({one["category_id"] for kind in rows for one in kind})
    images = []
    for image in sorted({one["image_id"] for kind in rows for one in kind}, key=int):
        found, there = ([one for one in kind if one["image_id"] == image] for kind in rows)
        boxes, labels = [], []
        for kind in (found, there):
            left_top_size = np.array([[float(one[key]) for key in ("x", "y", "width", "height")] for one in kind])
            left_top_size = left_top_size.reshape(-1, 4)
            boxes.append(np.hstack([left_top_size[:, :2], left_top_size[:, :2] + left_top_size[:, 2:]]))
            labels.append(np.array([categories.index(one["category_id"]) for one in kind], int))
        scores = np.array([float(one["score"]) for one in found])
        areas = np.array([float(one["area"]) for one in there])
        crowd = np.array([one["iscrowd"] == "1" for one in there], bool)
        objects = Objects(boxes[1], labels[1], np.zeros(len(there), bool))
        images.append((Detections(boxes[0], labels[0], scores), objects, Extents((1, 1), areas, crowd)))
    expected = json.loads((folder / "expected.json").read_text())["coco100"]["coco_metrics"]
    measured = figures(*zip(*images, strict=True), categories)
    assert list(measured) == list(expected) == NAMES
    assert measured == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", ANSWERS)
def test_answers_of_pycocotools_to_random_problems(seed):
    assert list(figures(*random_problem(seed)).values()) == pytest.approx(
        list(map(float, ANSWERS[seed].split())), abs=1e-6
    )


@pytest.mark.parametrize("seed", range(10, 20))
def test_same_as_pycocotools_on_random_problems(seed):
    problem = random_problem(seed)
    expected = by_pycocotools(*problem)
    np.testing.assert_allclose(list(figures(*problem).values()), expected, atol=1e-9)


def one_image(found, there, *, crowd=False, difficult=False, size=(1, 1)):
    """Problem of one image and class from lists of boxes, those found with falling scores."""
    scores = 0.9 - 0.1 * np.arange(len(found))
    detections = Detections(np.array(found, float).reshape(-1, 4), np.zeros(len(found), int), scores)
    corners = np.array(there, float).reshape(-1, 4)
    extent = Extents.of_boxes(size, corners)._replace(crowd=np.full(len(there), crowd))
    return [detections], [Objects(corners, np.zeros(len(there), int), np.full(len(there), difficult))], [extent]


def test_all_found():
    problem = one_image([[0, 0, 20, 20], [100, 0, 150, 50], [200, 0, 400, 200]], [[0, 0, 20, 20], [100, 0, 150, 50]])
    result = coco_metrics(*problem, ("thing",))
    assert result["mAP"] == result["AP"]["thing"] == result["coco"]["APsmall"] == result["coco"]["ARmedium"] == 1
    assert result["coco"]["AR1"] == 0.5 and np.isnan(result["coco"]["APlarge"])


def test_a_detection_falls_back_on_the_next_object_where_voc_holds_it_against_the_first():
    twice = [[0, 0, 100, 100], [0, 0, 100, 96]]
    assert figures(*one_image(twice, [[0, 0, 100, 100], [0, 20, 100, 96]]), ("thing",))["AR100"] == pytest.approx(0.8)


def test_a_crowd_takes_all_that_lie_inside_and_nobody_has_to_find_it():
    inside = [[10 * k, 0, 10 * k + 10, 10] for k in range(5)]
    alone = one_image([*inside, [0, 200, 50, 250]], [[0, 0, 100, 100]], crowd=True)
    assert np.isnan(figures(*alone, ("thing",))["AP"])
    found, (objects,), (extent,) = one_image([*inside, [0, 200, 50, 250]], [[0, 0, 100, 100], [0, 200, 50, 250]])
    extent = extent._replace(crowd=np.array([True, False]))
    assert figures(found, [objects], [extent], ("thing",))["AP"] == 1


def test_difficult_objects_neither_help_nor_harm_and_take_one_detection_only():
    found, (objects,), extents = one_image(
        [[0, 0, 50, 50], [0, 0, 50, 50], [100, 0, 150, 50]], [[0, 0, 50, 50], [100, 0, 150, 50]]
    )
    objects = objects._replace(difficult=np.array([True, False]))
    assert figures(found, [objects], extents, ("thing",))["AP"] == pytest.approx(0.5)  # the second is a false alarm


def test_corners_in_parts_of_the_image_are_scored_in_its_pixels():
    """An object of 32x32 pixels is small and medium; as many parts of a larger image are medium alone."""
    box = [[0.0, 0.0, 0.25, 0.5]]
    exactly = figures(*one_image(box, box, size=(128, 64)), ("thing",))
    assert exactly["APsmall"] == exactly["APmedium"] == 1
    larger = figures(*one_image(box, box, size=(130, 64)), ("thing",))
    assert np.isnan(larger["APsmall"]) and larger["APmedium"] == 1


def test_nothing_found_and_nothing_there():
    detections, objects = [Detections(*NOTHING)], [Objects(*NOTHING)]
    assert all(map(np.isnan, figures(detections, objects, [Extents.of_boxes((9, 9), NOTHING[0])], ("a",)).values()))
    assert figures(*one_image([], [[0, 0, 50, 50]]), ("thing",))["AP"] == 0
    assert all(map(np.isnan, figures([], [], [], ("a",)).values()))


def test_what_does_not_belong_together_is_refused():
    detections, objects, extents = one_image([[0, 0, 5, 5]], [[0, 0, 5, 5]])
    with pytest.raises(ValueError, match="1, 1 and 0"):
        coco_metrics(detections, objects, [], ("thing",))
    with pytest.raises(ValueError, match="extents of image 0"):
        coco_metrics(detections, objects, [Extents((1, 1), np.ones(2), np.zeros(2, bool))], ("thing",))
    with pytest.raises(ValueError, match="each once"):
        coco_metrics(detections, objects, extents, ("thing", "thing"))
