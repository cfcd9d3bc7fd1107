"""The score of a detector's answers, by the rule that is asked for."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minissd.detection.boxes import Detections, Objects
from minissd.detection.metrics import METHODS, evaluate_detections
from minissd.errors import MinissdError
from minissd.metrics.coco import Extents, coco_metrics

METRICS = (*METHODS, "coco")
_OTHER_NAMES = {"voc": "area"}


def metric_name(name: str) -> str:
    """The name among `METRICS` that is meant; MinissdError if none is."""
    known = _OTHER_NAMES.get(name, name)
    if known not in METRICS:
        raise MinissdError(f"--metric {name!r} is not known: choose one of {', '.join((*METRICS, *_OTHER_NAMES))}")
    return known


def score_boxes(
    detections: Sequence[Detections],
    objects: Sequence[Objects],
    classes: Sequence[str],
    *,
    method: str = "voc07",
    iou_threshold: float | Sequence[float] = 0.5,
    extents: Iterable[Extents] = (),
) -> dict[str, Any]:
    """The figures of a whole data set, as they go into metrics.json.

    detections, objects, classes: as for `evaluate_detections`.  method: a name in `METRICS`, or "voc" for "area".
    iou_threshold: the overlap from which on a detection counts; of several overlaps the figures are means, and "at" has
    those of each; COCO has its own.  extents: for "coco", those of the images, as `coco_metrics` takes them.
    """
    method = _OTHER_NAMES.get(method, method)
    if method == "coco":
        return coco_metrics(detections, objects, list(extents), classes)
    if not isinstance(iou_threshold, Sequence):
        return evaluate_detections(detections, objects, classes, iou_threshold, method)
    at = {f"{one:g}": evaluate_detections(detections, objects, classes, one, method) for one in iou_threshold}
    each = list(at.values())
    return {
        "mAP": float(np.mean([one["mAP"] for one in each])),
        "AP": {name: float(np.mean([one["AP"][name] for one in each])) for name in classes},
        "recall": float(np.mean([one["recall"] for one in each])),
        "method": method,
        "at": {overlap: {key: one[key] for key in ("mAP", "AP", "recall")} for overlap, one in at.items()},
    }
