"""One door to the scores of boxes: which rule, and at which overlaps."""

import numpy as np
import pytest
from coco_problems import CLASSES, random_problem

from minissd.detection import evaluate_detections
from minissd.metrics import coco_metrics, score_boxes

DETECTIONS, OBJECTS, EXTENTS = random_problem(0)


def scored(**options):
    return score_boxes(DETECTIONS, OBJECTS, CLASSES, **options)


def test_the_rule_that_is_asked_for():
    np.testing.assert_equal(scored(), evaluate_detections(DETECTIONS, OBJECTS, CLASSES))
    by_area = evaluate_detections(DETECTIONS, OBJECTS, CLASSES, 0.3, "area")
    np.testing.assert_equal(scored(method="voc", iou_threshold=0.3), by_area)
    by_coco = coco_metrics(DETECTIONS, OBJECTS, EXTENTS, CLASSES)
    np.testing.assert_equal(scored(method="coco", extents=iter(EXTENTS)), by_coco)
    with pytest.raises(ValueError, match="method must be one of"):
        scored(method="map")


def test_several_overlaps_give_the_mean_of_what_each_gives():
    both = scored(iou_threshold=[0.3, 0.7])
    alone = [scored(iou_threshold=one) for one in (0.3, 0.7)]
    assert both["mAP"] == pytest.approx(np.mean([one["mAP"] for one in alone]))
    assert both["AP"]["often"] == pytest.approx(np.mean([one["AP"]["often"] for one in alone]))
    assert both["at"]["0.7"]["recall"] == alone[1]["recall"] < alone[0]["recall"]
    assert np.isnan(both["AP"]["without objects"])
