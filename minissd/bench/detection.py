"""From the network's output to detections: decode + NMS of SSD300's 8732 boxes and 20 classes, one image."""

import numpy as np

from minissd.bench.figures import MINISSD, OWN_TIME, Figure, Goal
from minissd.bench.timing import interleaved
from minissd.detection import SSD300, default_boxes, detections_from, encode, iou, to_centers, to_corners
from minissd.errors import MinissdError

CLASSES, OBJECTS = 20, 8
IOU_THRESHOLD = 0.45
GOAL = Goal(OWN_TIME, 10, 3)  # ms


def run(peer, repeat, report):
    """PyTorch itself has no NMS, so this is measured alone; it checks what it found itself."""
    boxes = default_boxes(SSD300)
    corners, labels = random_objects(np.random.default_rng(0))
    offsets, logits = realistic_output(boxes, corners, labels, np.random.default_rng(1))

    def ours():
        return detections_from(offsets[None], logits[None], boxes, iou_threshold=IOU_THRESHOLD)[0]

    check(ours(), corners, labels)
    times = interleaved({MINISSD: ours}, repeat, lambda done, total: report("timing", done, total))
    return [Figure(f"decode + NMS: {len(boxes)} boxes, {CLASSES} classes, one image", "ms", times, GOAL)]


def random_objects(rng):
    """Corners (G, 4) and labels (G,) of objects of 0.15 to 0.5 of the image."""
    sides = rng.uniform(0.15, 0.5, (OBJECTS, 2))
    first = rng.uniform(0, 1 - sides)
    return np.concatenate([first, first + sides], axis=1).astype(np.float32), rng.integers(0, CLASSES, OBJECTS)


def realistic_output(boxes, corners, labels, rng):
    """What a trained network says of an image with these objects: offsets (P, 4), logits (P, C + 1).

    The more a box overlaps an object, the surer it is of the object's class and the better its offsets; elsewhere
    the background leads by so much that about one noisy score in a hundred reaches 0.01.
    """
    overlaps = iou(to_corners(boxes), corners)  # (P, G)
    nearest, overlap = overlaps.argmax(axis=1), overlaps.max(axis=1)
    logits = rng.standard_normal((len(boxes), CLASSES + 1), dtype=np.float32)
    logits[:, 0] += 8
    logits[np.arange(len(boxes)), labels[nearest] + 1] += 16 * overlap
    noise = rng.standard_normal((len(boxes), 4), dtype=np.float32)
    towards = np.where(overlap > 0.3, 1, 0)[:, None]
    offsets = towards * encode(to_centers(corners)[nearest], boxes) + (1 - 0.7 * towards) * noise
    return offsets.astype(np.float32), logits


def check(found, corners, labels):
    """Every object is among the detections, and no two detections of one class overlap more than NMS allows."""
    overlaps = iou(found.corners, corners)  # (K, G)
    hit = ((found.labels[:, None] == labels) & (overlaps >= 0.5)).any(axis=0)  # (G,)
    if not hit.all():
        raise MinissdError(f"decode + NMS found {hit.sum()} of {OBJECTS} planted objects: not timed; run the tests")
    among_themselves = np.triu(iou(found.corners, found.corners), 1)
    same_class = found.labels[:, None] == found.labels
    worst = among_themselves[same_class].max()
    if worst > IOU_THRESHOLD:
        raise MinissdError(
            f"NMS left two boxes of one class with overlap {worst:.2f} > {IOU_THRESHOLD}: not timed; run the tests"
        )
