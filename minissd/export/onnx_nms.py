"""From boxes and scores to detections inside an ONNX graph: what `minissd.detection.best_of_each_class` does.

N images, P default boxes, C classes, K detections of an image at most, M those that stay in the whole batch.
"""

import numpy as np

from minissd.export.onnx_graph import BATCH, Graph
from minissd.models import SSD


def detections(graph: Graph, model: SSD, boxes: str, scores: str) -> None:
    """boxes (N, P, 4) corners, scores (N, P, C) -> the outputs boxes (N, K, 4), labels (N, K), scores (N, K), best
    first, and count (N,), how many of the K are detections: behind them the scores are 0.

    For each class of each image the best `candidates` take part in NMS, and the `limit` best of the image stay.
    """
    usage, count, classes = model.usage, len(model.default_boxes), len(model.classes)
    by_class = graph.add("Transpose", scores, perm=[0, 2, 1])  # (N, C, P)
    if usage.candidates < count:
        by_class = _only_the_best(graph, by_class, usage.candidates)
    selected = graph.add(  # (M, 3): image, class, box
        "NonMaxSuppression",
        boxes,
        by_class,
        graph.integers(count),  # so many of a class may stay
        graph.constant([usage.iou_threshold]),
        graph.constant([usage.score_threshold]),
    )
    nothing = graph.add("Mul", by_class, graph.constant(0))
    kept = graph.add("ScatterND", nothing, selected, graph.add("GatherND", by_class, selected))
    of_image = graph.add("Reshape", kept, graph.integers(0, -1))  # (N, C*P)
    limit = min(usage.limit, classes * count)
    best, place = graph.add("TopK", of_image, graph.integers(limit), name="best", outputs=2, axis=1)
    label = graph.add("Div", place, graph.constant(count, dtype=np.int64))
    box = graph.add("Mod", place, graph.constant(count, dtype=np.int64))
    found = graph.add("GatherND", boxes, graph.add("Unsqueeze", box, graph.integers(2)), batch_dims=1)
    found = graph.add("Clip", found, graph.constant(0), graph.constant(1))
    real = graph.add("Cast", graph.add("Greater", best, graph.constant(0)), to=graph.onnx.TensorProto.INT64)
    graph.output(found, "boxes", np.float32, (BATCH, limit, 4))
    graph.output(label, "labels", np.int64, (BATCH, limit))
    graph.output(best, "scores", np.float32, (BATCH, limit))
    total = graph.add("ReduceSum", real, graph.integers(1), keepdims=0)
    graph.output(total, "count", np.int64, (BATCH,))


def _only_the_best(graph, by_class, candidates):
    """Scores (N, C, P), 0 but for the `candidates` best of each class."""
    best, _ = graph.add("TopK", by_class, graph.integers(candidates), outputs=2, axis=2)
    last = graph.add("Slice", best, graph.integers(-1), graph.integers(candidates), graph.integers(2))  # (N, C, 1)
    return graph.add("Where", graph.add("GreaterOrEqual", by_class, last), by_class, graph.constant(0))
