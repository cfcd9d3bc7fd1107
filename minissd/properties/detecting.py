"""What holds for the way from an SSD's output to detections."""

import numpy as np
from hypothesis import strategies as st

from minissd import naive
from minissd.detection.detections import detections_from
from minissd.properties.core import equals


def library_detect(offsets, logits, default_boxes, score_threshold=0.01, iou_threshold=0.45, most=200):
    boxes = max(len(default_boxes), 1)
    outputs = offsets[None], logits[None], default_boxes
    (found,) = detections_from(*outputs, score_threshold, iou_threshold, candidates=boxes, limit=most)
    return tuple(found)


@st.composite
def outputs(draw, boxes=(1, 6), classes=(1, 3), reach=0.0, tight=False, most=200):
    """What a network says of a few boxes on a grid; reach: how far they may stick out; tight: all in one place."""
    count, labels = draw(st.integers(*boxes)), draw(st.integers(*classes))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    places = np.full((count, 2), 0.5) if tight else draw(st.permutations(_GRID))[:count]
    default_boxes = np.concatenate([places, np.full((count, 2), 0.25)], axis=1)
    return {
        "offsets": rng.normal(0, 0.3 + 5 * reach, (count, 4)).round(2),
        "logits": rng.normal(0, 2, (count, labels + 1)).round(2) + np.arange(count)[:, None] / 4096,  # no two alike
        "default_boxes": default_boxes,
        "score_threshold": draw(st.sampled_from([0.01, 0.2, 0.3])),
        "iou_threshold": draw(st.sampled_from([0.45, 0.2, 0.7])),
        "most": most,
    }


_GRID = [(x, y) for x in (0.2, 0.4, 0.6, 0.8) for y in (0.3, 0.5, 0.7)]


def _one_by_one(offsets, logits, default_boxes, score_threshold, iou_threshold, most):
    found = []
    for label in range(logits.shape[1] - 1):
        left = []
        for offset, logit, box in zip(offsets, logits, default_boxes, strict=True):
            score = naive.softmax(logit[None])[0, label + 1]
            if score > score_threshold:
                left.append((score, np.clip(naive.to_corners(_moved(offset, box)[None])[0], 0, 1), label))
        left.sort(key=lambda one: -one[0])
        while left:
            best = left.pop(0)
            found.append(best)
            left = [one for one in left if naive.iou(best[1][None], one[1][None])[0, 0] <= iou_threshold]
    found = sorted(found, key=lambda one: -one[0])[:most]
    scores, corners, labels = ([one[i] for one in found] for i in range(3))
    return np.array(corners).reshape(-1, 4), np.array(labels, int), np.array(scores, float)


def _moved(offset, box):
    return np.concatenate([box[:2] + 0.1 * offset[:2] * box[2:], box[2:] * np.exp(0.2 * offset[2:])])


DETECT = (
    equals(
        _one_by_one, outputs((1, 1), (1, 1)), statement="reports one box of one class with its place, label and score"
    ),
    equals(_one_by_one, outputs((1, 1), (1, 1), reach=1.0), statement="clips boxes to the image"),
    equals(_one_by_one, outputs(classes=(1, 1)), statement="keeps the best of boxes that overlap"),
    equals(
        _one_by_one,
        outputs((4, 6), (1, 1), 0.6, True),
        statement="takes away what overlaps by more than iou_threshold",
    ),
    equals(_one_by_one, outputs(tight=True), statement="does so for each class on its own, and sorts all by score"),
    equals(_one_by_one, outputs((3, 6), (2, 3), most=2), statement="keeps the best of the whole image"),
)
