"""What a network is trained for: how samples become batches, and how its answers are scored.

One loop trains them all; the model says what its task is (`model.task`), its targets and its loss.

    learnable(dataset)      whether there is anything to learn in it       scorable(dataset)   anything to be scored by
    labels_in(dataset, i)   the labels of what is annotated at place i
    mark(dataset, i)        numbers that say what is annotated at place i, for a fingerprint
"""

from functools import partial
from typing import Any

import numpy as np

from minissd.data import (
    ClassificationPreparation,
    DetectionPreparation,
    Loader,
    RegressionPreparation,
    SegmentationPreparation,
    mask_of_size,
    resize_image,
    with_channels,
)
from minissd.data.samples import Dataset, extents_of
from minissd.device import to_numpy
from minissd.errors import MinissdError
from minissd.metrics.boxes import score_boxes
from minissd.metrics.classification import accuracy, confusion_matrix, recalls
from minissd.metrics.regression import explained, mean_absolute_error
from minissd.metrics.segmentation import VOID, score_masks
from minissd.models import Network
from minissd.training.memory import answers_that_fit


class Detection:
    """Boxes with classes; scored by mean average precision the way PASCAL VOC or COCO does."""

    metric = "mAP"

    @staticmethod
    def preparation(model, augmentation):
        return DetectionPreparation(model.targets, model.input_size, augmentation, model.resize)

    @staticmethod
    def answers(model, images):
        """images (N, S, S, 3) -> a list of N Detections."""
        return model.detect(images)

    @staticmethod
    def truth(dataset):
        return [dataset.objects(i) for i in range(len(dataset))]

    @staticmethod
    def learnable(dataset):
        return any(len(dataset.objects(i).labels) for i in range(len(dataset)))

    @staticmethod
    def scorable(dataset):
        return any(not np.all(dataset.objects(i).difficult) for i in range(len(dataset)))

    @staticmethod
    def labels_in(dataset, i):
        return dataset.objects(i).labels

    @staticmethod
    def mark(dataset, i):
        objects = dataset.objects(i)
        return np.hstack([objects.labels[:, None], np.round(1000 * objects.corners)]).astype(np.int64)  # (G, 5)

    @staticmethod
    def score(detections, objects, dataset, *, iou_threshold=0.5, method="voc07"):
        extents = (extents_of(dataset, i) for i in range(len(dataset)))  # read only where they are asked for
        options = {"method": method, "iou_threshold": iou_threshold, "extents": extents}
        return score_boxes(detections, objects, dataset.classes, **options)


class Classification:
    """One class for an image; scored by accuracy."""

    metric = "accuracy"

    @staticmethod
    def preparation(model, augmentation):
        return ClassificationPreparation(model.input_size, augmentation, model.channels)

    @staticmethod
    def answers(model, images):
        """images (N, S, S, C) -> a list of N arrays of probabilities (classes,)."""
        return list(to_numpy(model.classify(images)))

    @staticmethod
    def truth(dataset):
        return dataset.labels

    @staticmethod
    def learnable(dataset):
        return len(dataset) > 0

    scorable = learnable

    @staticmethod
    def labels_in(dataset, i):
        return dataset.labels[i]

    @staticmethod
    def mark(dataset, i):
        return np.array(dataset.labels[i], np.int64)

    @staticmethod
    def score(probabilities, labels, dataset):
        predicted = np.argmax(probabilities, axis=1)
        matrix = confusion_matrix(predicted, labels, len(dataset.classes))
        return {
            "accuracy": accuracy(predicted, labels),
            "recall": dict(zip(dataset.classes, recalls(matrix), strict=True)),
            "confusion": matrix.tolist(),
        }


class Segmentation:
    """A class for each pixel; scored by the overlap of the masks, at the size of the images, as VOC does."""

    metric = "mean_iou"

    @staticmethod
    def preparation(model, augmentation):
        return SegmentationPreparation(model.input_size, augmentation)

    @staticmethod
    def answers(model, images):
        """images (N, S, S, 3) -> a list of N arrays (S, S, C) uint8: probabilities, as `mask_of_size` takes them."""
        return list(to_numpy((model.segment(images) * 255).round().astype("uint8")))

    @staticmethod
    def truth(dataset):
        return [dataset.mask(i) for i in range(len(dataset))]

    @staticmethod
    def learnable(dataset):
        return len(dataset) > 0  # the data look into every mask

    @staticmethod
    def scorable(dataset):
        masks = (dataset.mask(i) for i in range(len(dataset)))
        return any(((mask > 0) & (mask != VOID)).any() for mask in masks)

    @staticmethod
    def labels_in(dataset, i):
        numbers = np.unique(dataset.mask(i))
        return numbers[(numbers > 0) & (numbers != VOID)] - 1

    @staticmethod
    def mark(dataset, i):
        mask = dataset.mask(i) if hasattr(dataset, "mask") else dataset[i].mask
        return np.bincount(mask.ravel(), minlength=VOID + 1)  # (256,) pixels of each number

    @staticmethod
    def score(probabilities, masks, dataset):
        found = (mask_of_size(one, *mask.shape) for one, mask in zip(probabilities, masks, strict=True))
        return score_masks(found, masks, dataset.classes)


class Regression:
    """One number for an image; scored by the share of its variance that is explained, beside the mean error."""

    metric = "explained"

    @staticmethod
    def preparation(model, augmentation):
        if augmentation is not None:
            raise MinissdError("a varied image would need another number than its own: use --augmentation none")
        return RegressionPreparation(model.input_size)

    @staticmethod
    def answers(model, images):
        """images (N, S, S, C) -> a list of N floats."""
        return to_numpy(model.estimate(images)).tolist()

    @staticmethod
    def truth(dataset):
        return dataset.values

    @staticmethod
    def learnable(dataset):
        return len(dataset) > 0

    scorable = learnable

    @staticmethod
    def labels_in(dataset, i):
        raise MinissdError("--balance means nothing where numbers are learned: there are no classes")

    @staticmethod
    def mark(dataset, i):
        return np.round(1000 * np.array(dataset.values[i])).astype(np.int64)

    @staticmethod
    def score(numbers, values, dataset):
        numbers = np.array(numbers)
        return {
            "explained": explained(numbers, values),
            "mean_absolute_error": mean_absolute_error(numbers, values),
            "error_of_the_mean": mean_absolute_error(np.full_like(values, values.mean()), values),
        }


TASKS = {"detect": Detection, "classify": Classification, "segment": Segmentation, "regress": Regression}


def task_of(model: Network) -> Any:
    """What the loop, scores and commands need to know of the model's task: one of the classes above."""
    return TASKS[model.task]


def answers(model: Network, dataset: Dataset, *, batch_size: int = 16, workers: int = 2, report: Any = None) -> Any:
    """What the model says of every sample, in the order of the data set.

    report(done, total) is called after each batch.
    """
    task = task_of(model)
    # what is no Network of ours reads RGB
    resized = getattr(model, "resized", lambda image: resize_image(with_channels(image, 3), model.input_size))

    def prepare(sample, _rng):
        return (resized(sample.image),)

    loader = Loader(dataset, prepare, batch_size, workers=workers, shuffle=False)
    found = []
    with model.inference():
        for batch in loader.epoch(0):
            found += answers_that_fit(partial(task.answers, model), model, batch.images)
            if report:
                report(len(found), len(dataset))
    return found
