"""How well default boxes cover the objects of a data set, and boxes that fit these better.

Shapes are fitted by k-means with the distance 1 - IoU of two boxes around one centre (Redmon and Farhadi 2017,
YOLO9000, section 2, "Dimension clusters"): a distance in widths and heights would be dominated by the large objects.
The IoU depends on the ratios of sides alone, so the mean of a cluster is the geometric one.

A cell of a fine map sees little of the image, and those of a coarse map are far apart.  So every object goes to the map
whose boxes are nearest to it in size, and the boxes of each map are fitted to the objects of that map.

Runs on the host.  Symbols: G objects, P default boxes, K shapes.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from minissd.detection.boxes import Objects, iou, to_corners
from minissd.detection.tiling import DefaultBoxSpec, default_boxes

MATCHED = 0.5  # the IoU above which matching lets a default box learn an object
RESTARTS, ROUNDS = 8, 100  # of k-means
LEAST = 2  # objects for each box of a map; with fewer it keeps the boxes that it has
SAMPLE = 20_000  # of so many objects the shapes are fitted, of a larger set to as many drawn from it
DIGITS = 4  # of a fitted side: enough, and short in config.json
_ROWS = 64  # objects at a time, so that a table of overlaps stays in the cache
_ALL = slice(None)


class Coverage(NamedTuple):
    """How a set of default boxes covers the G objects of a data set."""

    spec: DefaultBoxSpec
    overlaps: np.ndarray  # (G,) float32, the highest IoU of each object with a default box
    boxes: np.ndarray  # (G, 4) float32, that default box, as corners

    @property
    def covered(self) -> np.ndarray:
        """(G,) whether matching lets more than the nearest default box learn an object: IoU above `MATCHED`."""
        return self.overlaps > MATCHED

    def recall_ceiling(self, chosen: np.ndarray | slice = _ALL) -> float:
        """The share of the objects, or of those `chosen` (G,) bool, that are covered; NaN if there is none."""
        covered = self.covered[chosen]
        return float(covered.mean()) if len(covered) else float("nan")


def coverage(spec: DefaultBoxSpec, corners: np.ndarray, report: Callable[[int, int], None] | None = None) -> Coverage:
    """The `Coverage` of objects, corners (G, 4), by default boxes.  report(done, total): called now and then."""
    boxes = to_corners(default_boxes(spec))  # (P, 4)
    overlaps, places = np.zeros(len(corners), np.float32), np.zeros(len(corners), np.int64)
    for start in range(0, len(corners), _ROWS):
        rows = slice(start, start + _ROWS)
        table = iou(np.asarray(corners[rows], np.float32), boxes)  # (rows, P)
        overlaps[rows], places[rows] = table.max(axis=1), table.argmax(axis=1)
        if report:
            report(min(start + _ROWS, len(corners)), len(corners))
    return Coverage(spec, overlaps, boxes[places])


def fit_boxes(spec: DefaultBoxSpec, objects: Sequence[Objects], seed: int = 0) -> DefaultBoxSpec:
    """The same maps with as many boxes in a cell as before, of shapes that fit the objects.

    objects: an `Objects` for each image, difficult ones included, since those are learned too.  A map keeps its boxes
    if fewer than `LEAST` objects for each of them are of its size.  Raises ValueError if there is no object.
    """
    sides = sides_of(objects)
    if not len(sides):
        raise ValueError("fit_boxes: none of the images has an object to fit boxes to")
    rng = np.random.default_rng(seed)
    if len(sides) > SAMPLE:
        sides = sides[rng.choice(len(sides), SAMPLE, replace=False)]
    level = nearest_map(spec, sides)
    shapes = []
    for i, one in enumerate(spec.maps):
        own, k = sides[level == i], one.boxes_per_cell
        fitted = cluster_shapes(own, k, rng).tolist() if len(own) >= LEAST * k else []
        chosen = [*fitted, *one.shapes][:k]  # its own fill up where few objects differ
        shapes.append([tuple(float(f"{side:.{DIGITS}g}") for side in shape) for shape in sorted(chosen, key=np.prod)])
    return spec.with_shapes(shapes)


def sides_of(objects: Sequence[Objects]) -> np.ndarray:
    """(G, 2) widths and heights of all objects of a data set, in sides of the image.  Raises ValueError for a 0."""
    corners = np.concatenate([np.zeros((0, 4)), *(one.corners for one in objects)])
    sides = corners[:, 2:] - corners[:, :2]
    if (sides <= 0).any():
        raise ValueError("some objects have no width or no height: leave them out")
    return sides


def nearest_map(spec: DefaultBoxSpec, sides: np.ndarray) -> np.ndarray:
    """(G,) the map that has the box nearest in size, sqrt(w h), to each of (G, 2) widths and heights."""
    sizes = np.log(np.prod(sides, axis=1))  # (G,)
    distances = [
        np.abs(sizes[:, None] - np.log(np.prod(one.shapes, axis=1))).min(axis=1)  # (G, k) -> (G,)
        for one in spec.maps
    ]
    return np.argmin(distances, axis=0)


def shape_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(A, 2) and (B, 2) widths and heights -> (A, B) IoU of boxes of these sides around one centre."""
    intersection = np.minimum(a[:, None], b).prod(axis=-1)
    return intersection / (a.prod(axis=-1)[:, None] + b.prod(axis=-1) - intersection)


def cluster_shapes(shapes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(K, 2) shapes that those of G objects (G, 2) gather around; K = count, or as many as differ if these are fewer.

    Of several runs from different beginnings the one whose shapes overlap the objects most, on average.
    """
    runs = [_k_means(shapes, _beginning(shapes, count, rng)) for _ in range(RESTARTS)]
    return max(runs, key=lambda run: run[0])[1]


def _beginning(shapes, count, rng):
    """Shapes of objects, each drawn with a probability that grows with the distance from those before, squared.

    Arthur and Vassilvitskii 2007, k-means++.
    """
    chosen = shapes[[rng.integers(len(shapes))]]
    while len(chosen) < count:
        distances = (1 - shape_iou(shapes, chosen).max(axis=1)).clip(0) ** 2
        distances[distances < 1e-12] = 0  # rounding: the same shape again
        if not distances.any():
            break
        chosen = np.concatenate([chosen, shapes[[rng.choice(len(shapes), p=distances / distances.sum())]]])
    return chosen


def _k_means(shapes, centres):
    """(mean IoU of the objects with their nearest centre, centres (K, 2)), the best of all rounds."""
    best, before = (-np.inf, centres), None
    for _ in range(ROUNDS):
        overlaps = shape_iou(shapes, centres)  # (G, K)
        nearest = overlaps.argmax(axis=1)
        best = max(best, (overlaps.max(axis=1).mean(), centres), key=lambda run: run[0])
        if before is not None and (nearest == before).all():
            break
        before = nearest
        centres = np.stack(
            [
                np.exp(np.log(shapes[nearest == k]).mean(axis=0)) if (nearest == k).any() else centre
                for k, centre in enumerate(centres)
            ]
        )
    return best
