"""Average precision against published values (../shared/data/metrics-oracle).

The set coco100 is left out: its AP50 reads precision at 101 recalls and lets a detection fall back on its
second-best object when the best is taken.  VOC does neither, so the numbers are not comparable.
"""

import csv
import json

import numpy as np
import pytest

from minissd.detection import Detections, Objects, evaluate_detections, judge
from minissd.detection.metrics import HIT


def published(shared, name, inclusive):
    """(detections, objects, ids of the detections, expected): a set of the oracle, image by image."""
    folder = shared / "data" / "metrics-oracle"
    rows = {}
    for kind in ("detections", "groundtruth"):
        with open(folder / f"{name}-{kind}.csv", newline="") as file:
            rows[kind] = list(csv.DictReader(file))

    def edges(box):
        if "left" in box:
            left, top = float(box["left"]), float(box["top"])
            right, bottom = left + float(box["width"]), top + float(box["height"])
        else:
            left, top, right, bottom = (float(box[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
        return left, top, right + inclusive, bottom + inclusive

    detections, objects, in_order = [], [], []
    for image in sorted({one["image"] for kind in rows.values() for one in kind}):
        seen, there = ([one for one in part if one["image"] == image] for part in rows.values())
        box_arrays = [np.array([edges(one) for one in part]).reshape(-1, 4) for part in (seen, there)]
        scores = np.array([float(one["confidence"]) for one in seen])
        difficult = np.array([one.get("difficult") == "1" for one in there], bool)
        detections.append(Detections(box_arrays[0], np.zeros(len(seen), int), scores))
        objects.append(Objects(box_arrays[1], np.zeros(len(there), int), difficult))
        in_order += seen
    return detections, objects, in_order, json.loads((folder / "expected.json").read_text())[name]


@pytest.mark.parametrize(("method", "key"), [("voc07", "eleven_point"), ("area", "all_point")])
def test_people7_published_average_precision(shared, method, key):
    detections, objects, _, expected = published(shared, "people7", inclusive=1)
    if method == "voc07":
        # Trap 8: at IoU 0.10 recall ends at 9 / 15 exactly, with a precision of 9 / 23.  The published value
        # asks for 0.6000000000000001 there and so loses the seventh of its eleven precisions.
        expected[key]["0.10"] += 9 / 23 / 11
    assert len(expected[key]) == 4
    for threshold, ap in expected[key].items():
        result = evaluate_detections(detections, objects, ("person",), float(threshold), method)
        assert result["mAP"] == pytest.approx(ap, abs=1e-9), threshold


def test_people7_published_verdict_on_every_detection(shared):
    detections, objects, rows, expected = published(shared, "people7", inclusive=1)
    verdicts = np.concatenate([judge(*pair, 0.3) for pair in zip(detections, objects, strict=True)])
    assert len(rows) == 24
    published_verdicts = [one["published_at_iou_0.30"] for one in rows]
    assert ["TP" if verdict == HIT else "FP" for verdict in verdicts] == published_verdicts
    hits = {one["letter"] for one, verdict in zip(rows, verdicts, strict=True) if verdict == HIT}
    assert hits == set(expected["true_positives_at_0.30"])


def test_people7_without_inclusive_pixels_loses_a_match(shared):
    detections, objects, _, _ = published(shared, "people7", inclusive=0)
    result = evaluate_detections(detections, objects, ("person",), 0.3, "area")
    assert result["mAP"] == pytest.approx(0.2253968254, abs=1e-9)


@pytest.mark.parametrize("inclusive", [0, 1])
@pytest.mark.parametrize(("method", "key"), [("voc07", "eleven_point"), ("area", "all_point")])
def test_cats10_published_average_precision(shared, method, key, inclusive):
    detections, objects, _, expected = published(shared, "cats10", inclusive)
    for threshold, percent in expected["published_percent"].items():
        result = evaluate_detections(detections, objects, ("cat",), float(threshold), method)
        assert 100 * result["mAP"] == pytest.approx(percent[key], abs=0.005)
