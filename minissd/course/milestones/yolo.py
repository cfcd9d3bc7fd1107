"""YOLO cells of the student's own: 3 x 3 cells, each with two predictors, on 48-pixel pictures.

The gradient of the student's `coordinate_loss` is measured with the student's `numeric_gradient`: lesson 8 asks for the
loss only.  The other three terms (Redmon et al. 2016, equation 3) are written out here.
"""

from itertools import pairwise
from typing import ClassVar

import numpy as np

from minissd.course.milestones.base import Milestone, Size, add_to, random_weights, stage, stage_backward
from minissd.course.milestones.pictures import cells, sheet
from minissd.data import ShapesDataset
from minissd.detection import Detections, Objects, evaluate_detections

SIDE, CLASSES = 48, ("cross", "ellipse")
CHANNELS = (12, 24, 48, 64)
S, B = 3, 2
NO_OBJECT = 0.5  # weight of the confidence of predictors that have nothing to say


class OwnYolo(Milestone):
    number = 10
    title = "your own YOLO cells"
    measure = "AP, mean of two classes, on pictures it has never seen"
    full = Size(images=600, held_out=100, epochs=10, figure=0.2)
    quick = Size(images=32, held_out=16, epochs=3, figure=0.0)
    peak = 0.003
    uses: ClassVar = (
        *("conv_as_product", "im2col", "conv2d_gradient", "col2im", "relu_gradient", "max_pool", "max_pool_gradient"),
        *("numeric_gradient", "iou", "to_corners", "to_centers", "nms"),
        *("cell_targets", "responsible_predictor", "coordinate_loss"),
    )

    def __init__(self, own, size):
        super().__init__(own, size)
        samples = list(ShapesDataset(size.images, "train", SIDE, classes=CLASSES, sides=(0.3, 0.6)))
        self.images = cells([sample.image for sample in samples])
        self.targets = np.array([self._target(sample.corners.astype(float), sample.labels) for sample in samples])
        self.held_out = list(ShapesDataset(size.held_out, "test", SIDE, classes=CLASSES, sides=(0.3, 0.6)))

    def _target(self, corners, labels):
        """(S, S, 5): the class of each cell, 0 for none, then x, y, w, h."""
        classes, boxes = self.own["cell_targets"](corners, labels, S)
        return np.concatenate([np.asarray(classes)[..., None], boxes], axis=-1)

    def initial(self):
        rng, params = np.random.default_rng(0), {}
        for level, (before, after) in enumerate(pairwise(CHANNELS)):
            params |= {f"stage{level}.w": random_weights(rng, 3, 3, before, after), f"stage{level}.b": np.zeros(after)}
        bias = np.concatenate([np.tile([0.5, 0.5, 0.6, 0.6, 0.3], B), np.full(len(CLASSES), 0.5)])
        return params | {"head.w": rng.normal(0, 0.02, (3, 3, CHANNELS[-1], len(bias))), "head.b": bias}

    def forward(self, params, images):
        """boxes (N, S, S, B, 5), classes (N, S, S, C), caches; the last layer is linear."""
        layers, x, caches = self.own.operations, images, []
        for level in range(len(CHANNELS) - 1):
            x, cache = stage(layers, x, params[f"stage{level}.w"], params[f"stage{level}.b"])
            caches.append(cache)
        y, head = layers["conv2d"](x, params["head.w"], params["head.b"], pad=1)
        return y[..., : 5 * B].reshape(len(x), S, S, B, 5), y[..., 5 * B :], (caches, head)

    def add_gradients(self, params, images, targets, gradients):
        layers, (boxes, classes, (caches, head)) = self.own.operations, self.forward(params, images)
        loss, d_boxes, d_classes = self._loss(boxes, classes, targets)
        dy = np.concatenate([d_boxes.reshape(*classes.shape[:3], 5 * B), d_classes], axis=-1)
        dx, *d_weights = layers["conv2d_backward"](dy, head)
        add_to(gradients, "head", *d_weights)
        for level in reversed(range(len(CHANNELS) - 1)):
            dx, *d_weights = stage_backward(layers, dx, caches[level])
            add_to(gradients, f"stage{level}", *d_weights)
        return loss

    def _loss(self, boxes, classes, targets):
        """The YOLO loss of a batch, by image, and its gradients of boxes and classes."""
        own, images = self.own, len(boxes)
        present = targets[..., 0] > 0
        ours, wanted = boxes[present], targets[present][:, 1:]  # (K, B, 5), (K, 4): the cells with an object
        who = np.array([own["responsible_predictor"](*pair, S) for pair in zip(ours, wanted, strict=True)], int)
        answers = who[:, None] == np.arange(B)  # (K, B)
        responsible = np.zeros(boxes.shape[:-1], bool)
        responsible[present] = answers

        confidence = boxes[..., 4]
        aim = np.zeros(confidence.shape)
        aim[responsible] = self._overlaps(ours[answers], wanted)
        error = (confidence - aim) * np.where(responsible, 1, NO_OBJECT)
        class_error = (classes - (targets[..., :1] == np.arange(1, len(CLASSES) + 1))) * present[..., None]

        d_boxes = np.zeros(boxes.shape)
        d_boxes[present] = own["numeric_gradient"](lambda moved: own["coordinate_loss"](moved, wanted, answers), ours)
        d_boxes[..., 4] += 2 * error
        loss = own["coordinate_loss"](ours, wanted, answers)
        loss += (error * (confidence - aim)).sum() + (class_error**2).sum()
        return loss / images, d_boxes / images, 2 * class_error / images

    def _overlaps(self, ours, wanted):
        """IoU of each predicted box with the object of its cell, places counted from the cell's corner."""
        predicted = self.own["to_corners"](np.concatenate([ours[:, :2] / S, ours[:, 2:4] ** 2], axis=1))
        true = self.own["to_corners"](np.concatenate([wanted[:, :2] / S, wanted[:, 2:]], axis=1))
        return np.array([self.own["iou"](a[None], b[None])[0, 0] for a, b in zip(predicted, true, strict=True)])

    def found(self, params):
        """`Detections` in each picture held out."""
        boxes, classes, _ = self.forward(params, cells([sample.image for sample in self.held_out]))
        return [self._of_one(*pair) for pair in zip(boxes, classes, strict=True)]

    def _of_one(self, boxes, classes):
        rows, columns = np.mgrid[:S, :S][..., None] * np.ones((1, 1, 1, B))
        places = (columns + boxes[..., 0]) / S, (rows + boxes[..., 1]) / S, boxes[..., 2] ** 2, boxes[..., 3] ** 2
        corners = np.clip(self.own["to_corners"](np.stack(places, axis=-1).reshape(-1, 4)), 0, 1)
        scores = (boxes[..., 4:] * classes[..., None, :]).reshape(-1, len(CLASSES))  # (S*S*B, C)
        found = []
        for label in range(len(CLASSES)):
            likely = np.flatnonzero(scores[:, label] > 0.01)
            kept = likely[self.own["nms"](corners[likely], scores[likely, label], 0.45)]
            found.append((corners[kept], np.full(len(kept), label), scores[kept, label]))
        corners, labels, scores = map(np.concatenate, zip(*found, strict=True))
        order = np.argsort(-scores, kind="stable")
        return Detections(corners[order], labels[order], scores[order])

    def score(self, params):
        truth = [Objects(one.corners, one.labels, np.zeros(len(one.labels), bool)) for one in self.held_out]
        return float(evaluate_detections(self.found(params), truth, CLASSES, method="area")["mAP"])

    def picture(self, params):
        return sheet(self.held_out, self.found(params), CLASSES)
