"""The vital signs of the detector in the lab: what anybody would measure who wonders what is wrong with it.

`detector` is the module of the file under examination: lessons/lab/detector.py, or one with a bug in it.
"""

import traceback
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from minissd.data import ShapesDataset
from minissd.detection import iou, to_centers, to_corners
from minissd.viz.boxes import detection_sheet, detections_beside_truth

IMAGES, TEST_IMAGES = 300, 60
PICTURE, DRAWN = "detector.png", 0.3  # the least score of a box in it


def examine(detector, *, steps=None):
    """Train it, print its vital signs and draw what it finds: what `python detector.py` does."""
    console = Console(highlight=False)
    table = Table("vital sign", "measured", title="before training", title_justify="left", show_lines=True)
    training, test = samples(detector, "train", IMAGES), samples(detector, "test", TEST_IMAGES)
    for name, measure in SIGNS.items():
        table.add_row(name, _measured(measure, detector, training))
    console.print(table)
    table = Table("vital sign", "measured", title="after training", title_justify="left", show_lines=True)
    model, losses = _trained(detector, training, console, steps or detector.STEPS)
    edges = np.linspace(0, len(losses), 6).astype(int)
    means = [np.mean(losses[i:j]) for i, j in pairwise(edges) if j > i]
    table.add_row("loss, from the first fifth of the steps to the last", "  ".join(f"{mean:.2f}" for mean in means))
    found = detector.detect(model, np.stack([sample.image for sample in test]))
    for name, ap in scores(detector, found, test).items():
        table.add_row(f"average precision of the {name}s on {len(test)} new images", f"{ap:.2f}")
    console.print(table)
    sure = [type(d)(*(part[d.scores >= DRAWN] for part in d)) for d in found[:6]]
    rows = [detections_beside_truth(s.image, d, s.objects, detector.CLASSES) for s, d in zip(test, sure)]
    detection_sheet(rows).save(PICTURE)
    console.print(f"{Path(PICTURE).resolve()} shows what it finds", soft_wrap=True)


def samples(detector, split, count):
    data = ShapesDataset(count, split, size=detector.SIZE, classes=detector.CLASSES)
    return [data[i] for i in range(count)]


def _trained(detector, training, console, steps):
    """(model, loss of each step); what goes wrong on the way ends the training, not the examination."""
    model, losses = detector.Detector(np.random.default_rng(0)), []

    def report(step, loss):
        losses.append(loss)
        status.update(f"training: step {step + 1} of {steps}, loss {loss:.2f}")

    with console.status("training") as status, np.errstate(all="ignore"):
        detector.train(model, training, stop=steps, report=report)
    return model, losses


def _measured(measure, detector, training):
    """What a sign says; an exception is a symptom too."""
    try:
        with np.errstate(all="ignore"):
            return measure(detector, training)
    except (ArithmeticError, LookupError, ValueError, TypeError) as error:
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        return f"{type(error).__name__} in line {line}: {error}"


def scores(detector, found, truth):
    """Average precision of each class over a set of images."""
    result = {}
    for label, name in enumerate(detector.CLASSES):
        hit, score, objects = [], [], 0
        for detections, sample in zip(found, truth, strict=True):
            own, there = detections.labels == label, sample.labels == label
            hit.append(detector.hits(detections.corners[own], detections.scores[own], sample.corners[there]))
            score.append(detections.scores[own])
            objects += there.sum()
        so_far = np.cumsum(np.concatenate(hit)[np.argsort(-np.concatenate(score), kind="stable")])
        result[name] = detector.average_precision(so_far / max(objects, 1), so_far / np.arange(1, len(so_far) + 1))
    return result


def _cells(detector, training):
    model = detector.Detector(np.random.default_rng(0))
    maps = model.forward(training[0].image[None])[2]
    return "  ".join(f"{y.shape[1]} x {y.shape[2]}" for y in maps)


def _sides(detector, training):
    return "  ".join(f"{s:.3f}" for s in detector.scales(3))


def _first_centres(detector, training):
    boxes = detector.default_boxes([10, 5])
    rows = [tuple(boxes[4 * cell, :2].round(3).tolist()) for cell in (0, 1, 10)]
    return "  ".join(f"({x:.3f}, {y:.3f})" for x, y in rows)


def _box_shapes(detector, training):
    boxes = detector.default_boxes([19, 10, 5])
    return "  ".join(f"{w:.2f} x {h:.2f}" for w, h in boxes[:4, 2:])


def _served(detector, training):
    """Objects for which some default box answers, with their class; crowded pairs among them."""
    boxes = detector.default_boxes([19, 10, 5])
    served = total = 0
    for sample in training:
        corners, labels = _doubled(sample)
        classes, offsets = detector.match(corners, labels, boxes)
        matched = np.flatnonzero(classes > 0)
        answers = to_corners(detector.decode(offsets[matched], boxes[matched]))
        close = iou(corners, answers) > 0.99
        right = labels[:, None] + 1 == classes[matched]
        served += (close & right).any(axis=1).sum()
        total += len(labels)
    return f"{served} of {total}"


def _doubled(sample):
    """The objects of a sample, each with a slightly larger twin of the next class around it: a crowd."""
    c = to_centers(sample.corners)
    twins = to_corners(np.concatenate([c[:, :2], c[:, 2:] * np.float32(1.06)], axis=1))
    return np.concatenate([sample.corners, twins]), np.concatenate([sample.labels, 1 - sample.labels])


def _round_trip(detector, training):
    objects = np.concatenate([to_centers(sample.corners) for sample in training])
    boxes = detector.default_boxes([19, 10, 5])[: len(objects)]
    error = np.abs(detector.decode(detector.encode(objects, boxes), boxes) - objects).max()
    return f"{error * 100:.3f} % of the image"


def _colours(detector, training):
    means = detector.normalize(np.stack([sample.image for sample in training[:100]])).mean(axis=(0, 1, 2))
    return "  ".join(f"{mean:+.2f}" for mean in means)


def _pooled_border(detector, training):
    y, _ = detector.max_pool(np.full((1, 5, 5, 1), -1.0))
    return f"{y.shape[1]} x {y.shape[2]}, least {y.min():.1f}, largest {y.max():.1f}"


def _black_image(detector, training):
    y, cache = detector.l2_normalize(np.zeros((1, 1, 1, 4)))
    dx = detector.l2_normalize_backward(np.ones_like(y), cache)
    return f"normalised {y.max():.1f}, gradient {dx.max():.0e}"


def _loss(targets, scale=1.0):
    """A sign: the loss of two images of 20 boxes with these class targets, logits drawn at this scale."""

    def measure(detector, training):
        rng = np.random.default_rng(0)
        logits = (scale * rng.standard_normal((2, 20, 3))).astype(np.float32)
        offsets = rng.standard_normal((2, 20, 4)).astype(np.float32)
        classes = np.zeros((2, 20), np.int64)
        classes[0, : len(targets)] = targets
        logits[0, : len(targets), 0] += 4 * scale  # the matched boxes are the hardest
        loss, _, d_logits = detector.multibox_loss(offsets, logits, 0 * offsets, classes)
        learning = (np.abs(d_logits).max(axis=-1) > 0).sum(axis=1)
        return f"{loss:.2f}; boxes that learn: {learning[0]} and {learning[1]}"

    return measure


def _windows(detector, training):
    rng = np.random.default_rng(0)
    windows = [detector.choose_window(sample.corners, 0.3, rng) for sample in training]
    overlaps = [iou(w[None], sample.corners).max() for w, sample in zip(windows, training, strict=True)]
    small = [overlap for w, overlap in zip(windows, overlaps, strict=True) if (w[2:] - w[:2]).min() < 1]
    return f"{len(small)} of {len(windows)}; least overlap with the best object {min(small, default=1):.2f}"


def _resumed(detector, training):
    whole = detector.learning_rates(0, 10, 10)
    halves = detector.learning_rates(0, 5, 10) + detector.learning_rates(5, 10, 10)
    return "the same" if np.allclose(whole, halves) else "others"


def _twice(detector, training):
    """All objects found, each twice."""
    hit = [
        detector.hits(*(np.repeat(part, 2, axis=0) for part in (s.corners, np.ones(len(s.labels)))), s.corners)
        for s in training
    ]
    return f"{np.concatenate(hit).mean():.2f} of the detections count as hits"


def _recalls(detector, training):
    found = [detector.average_precision(np.arange(1, k + 1) / 10, np.ones(k)) for k in range(1, 11)]
    return "  ".join(f"{ap:.2f}" for ap in found)


SIGNS = {
    "cells of its maps": _cells,
    "sides of the default boxes: s_1, s_2, s_3 and s_4": _sides,
    "centres (x, y) on a map of 10 x 10: first cell, its right neighbour, the one below": _first_centres,
    "the four default boxes of a cell on the first map: w x h": _box_shapes,
    "objects in a crowd for which a default box answers": _served,
    "boxes to offsets and back: largest error": _round_trip,
    "mean of 100 images as the network reads them: red, green, blue": _colours,
    "5 x 5 cells, all -1, pooled": _pooled_border,
    "a cell of zeros, normalised": _black_image,
    "loss of two images with 2 and 0 matched boxes": _loss([1, 2]),
    "loss of two images without any": _loss([]),
    "loss where the network is very sure": _loss([1, 2], 500),
    "random crops that are to overlap an object by 0.3 or more": _windows,
    "learning rates of a run that was stopped half-way and resumed": _resumed,
    "each object reported twice": _twice,
    "average precision if 1, 2, ... 10 of 10 objects are found": _recalls,
}
