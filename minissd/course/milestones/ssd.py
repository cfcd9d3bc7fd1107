"""An SSD of the student's own: 48-pixel pictures of shapes, three maps, 756 default boxes.

The pictures enter as 24 x 24 cells of 2 x 2 pixels, 12 channels, which costs a loop over places a quarter of the time.
"""

from typing import ClassVar

import numpy as np

from minissd.course.milestones.base import Milestone, Size, random_weights
from minissd.course.milestones.pictures import cells, sheet
from minissd.data import ShapesDataset
from minissd.detection import Detections

SIDE, CLASSES = 48, ("cross", "ellipse")
CHANNELS, SCALES, RATIOS = (24, 48, 64), (0.2, 0.35, 0.6, 0.9), (2,)
PARTS = ("offsets.w", "offsets.b", "logits.w", "logits.b")  # of a head


class OwnSsd(Milestone):
    number = 12
    title = "your own SSD"
    measure = "AP, mean of two classes, on pictures it has never seen"
    full = Size(images=300, held_out=64, epochs=8, figure=0.5)
    quick = Size(images=24, held_out=16, epochs=6, figure=0.04)
    uses: ClassVar = (
        *("conv_as_product", "im2col", "conv2d_gradient", "col2im", "relu_gradient", "max_pool", "max_pool_gradient"),
        *("iou", "to_corners", "to_centers", "nms", "cell_shapes", "map_boxes", "best_free_boxes", "encode", "match"),
        *("decode", "stable_log_softmax", "hard_negatives", "multibox_loss", "multibox_gradient"),
        *("ssd_forward", "ssd_backward", "mirror_boxes", "crop_boxes", "sgd_step", "one_cycle", "training_loop"),
        *("detect", "softmax_rows", "count_hits", "precision_recall", "ap_area_under_curve"),
    )

    def __init__(self, own, size):
        super().__init__(own, size)
        self.default_boxes, self.grids = self._boxes()
        pictures, targets = [], []
        for sample in ShapesDataset(size.images, "train", SIDE, classes=CLASSES, sides=(0.25, 0.6)):
            for image, corners, labels in self._looks(sample):
                pictures.append(image)
                targets.append(self._target(corners, labels))
        self.images, self.targets = cells(pictures), np.array(targets)
        self.held_out = list(ShapesDataset(size.held_out, "test", SIDE, classes=CLASSES, sides=(0.25, 0.6)))

    def _boxes(self):
        boxes, grids = [], []
        for level, side in enumerate((12, 6, 3)):
            shapes = self.own["cell_shapes"](SCALES[level], SCALES[level + 1], RATIOS)
            boxes.append(self.own["map_boxes"]((side, side), SIDE / side, SIDE, shapes))
            grids.append((side, side, len(shapes)))
        return np.concatenate(boxes), grids

    def _looks(self, sample):
        """The picture, and it in a mirror; of every other one a patch as well."""
        corners = sample.corners.astype(float)
        yield sample.image, corners, sample.labels
        yield sample.image[:, ::-1], self.own["mirror_boxes"](corners), sample.labels
        number = int(sample.id.rpartition("-")[2])
        if number % 2 == 0:
            left, top = number % 13, number % 11
            rows, columns = (start + np.arange(SIDE) * 36 // SIDE for start in (top, left))
            patch = np.array([left, top, left + 36, top + 36]) / SIDE
            yield sample.image[rows][:, columns], *self.own["crop_boxes"](corners, sample.labels, patch)

    def _target(self, corners, labels):
        """(P, 5): the class of each default box, then its offsets."""
        if len(labels) == 0:
            return np.zeros((len(self.default_boxes), 5))
        classes, offsets = self.own["match"](corners, labels, self.default_boxes)
        return np.concatenate([np.asarray(classes)[:, None], offsets], axis=1)

    def initial(self):
        rng, before, params = np.random.default_rng(0), 12, {}
        for level, (channels, (_, _, k)) in enumerate(zip(CHANNELS, self.grids, strict=True)):
            weights = random_weights(rng, 3, 3, before, channels), np.zeros(channels)
            offsets = rng.normal(0, 0.01, (3, 3, channels, 4 * k)), np.zeros(4 * k)
            count = (len(CLASSES) + 1) * k
            logits = rng.normal(0, 0.01, (3, 3, channels, count)), rng.normal(0, 0.01, count)
            names = (f"stage{level}.w", f"stage{level}.b", *(f"head{level}.{part}" for part in PARTS))
            params |= zip(names, (*weights, *offsets, *logits), strict=True)
            before = channels
        return params

    def forward(self, params, images):
        levels = range(len(CHANNELS))
        stages = [(params[f"stage{n}.w"], params[f"stage{n}.b"]) for n in levels]
        heads = [tuple(params[f"head{n}.{part}"] for part in PARTS) for n in levels]
        return self.own["ssd_forward"](images, stages, heads, len(CLASSES))

    def add_gradients(self, params, images, targets, gradients):
        own, (offsets, logits, caches) = self.own, self.forward(params, images)
        class_targets, offset_targets = targets[..., 0].astype(int), targets[..., 1:]
        log_p = own["stable_log_softmax"](logits)
        conf_loss = -np.take_along_axis(log_p, class_targets[..., None], axis=-1)[..., 0]
        positive = class_targets > 0
        counted = positive | own["hard_negatives"](conf_loss, positive)
        loss = own["multibox_loss"](offsets, logits, offset_targets, class_targets)
        d_outputs = own["multibox_gradient"](offsets, logits, offset_targets, class_targets, counted)
        for level, (stage, head) in enumerate(zip(*own["ssd_backward"](*d_outputs, caches, self.grids), strict=True)):
            gradients[f"stage{level}.w"] += stage[0]
            gradients[f"stage{level}.b"] += stage[1]
            for part, gradient in zip(PARTS, head, strict=True):
                gradients[f"head{level}.{part}"] += gradient
        return loss

    def found(self, params):
        """The detections (corners, labels, scores) in each picture held out."""
        offsets, logits, _ = self.forward(params, cells([sample.image for sample in self.held_out]))
        return [self.own["detect"](*one, self.default_boxes) for one in zip(offsets, logits, strict=True)]

    def score(self, params):
        found = self.found(params)
        return float(np.mean([self._average_precision(found, label) for label in range(len(CLASSES))]))

    def _average_precision(self, found, label):
        """Of one class, over all pictures."""
        scores, hits, objects = [], [], 0
        for (corners, labels, of_image), sample in zip(found, self.held_out, strict=True):
            mine, truth = labels == label, sample.corners[sample.labels == label].astype(float)
            scores.append(of_image[mine])
            hits.append(self.own["count_hits"](corners[mine], of_image[mine], truth))
            objects += len(truth)
        order = np.argsort(-np.concatenate(scores), kind="stable")
        precision, recall = self.own["precision_recall"](np.concatenate(hits)[order], objects)
        return self.own["ap_area_under_curve"](recall, precision) if len(order) else 0.0

    def picture(self, params):
        return sheet(self.held_out, [Detections(*one) for one in self.found(params)], CLASSES)
