"""What a network is trained for: how samples become batches, and how its answers are scored.

One loop trains them all; the model says what its task is (`model.task`), its targets and its loss.
"""

import numpy as np

from minissd.backend import to_device, to_numpy
from minissd.classification import accuracy, confusion_matrix, recalls
from minissd.data import ClassificationPreparation, DetectionPreparation, Loader, resize_image
from minissd.detection import evaluate_detections


class Detection:
    """Boxes with classes; scored by mean average precision the way PASCAL VOC does."""

    metric = "mAP"

    @staticmethod
    def preparation(model, augmentation):
        return DetectionPreparation(model.targets, model.input_size, augmentation)

    @staticmethod
    def answers(model, images):
        """images (N, S, S, 3) -> a list of N Detections."""
        return model.detect(images)

    @staticmethod
    def truth(dataset):
        return [dataset.objects(i) for i in range(len(dataset))]

    @staticmethod
    def score(detections, objects, classes, *, iou_threshold=0.5, method="voc07"):
        return evaluate_detections(detections, objects, classes, iou_threshold, method)


class Classification:
    """One class for an image; scored by accuracy."""

    metric = "accuracy"

    @staticmethod
    def preparation(model, augmentation):
        return ClassificationPreparation(model.input_size, augmentation)

    @staticmethod
    def answers(model, images):
        """images (N, S, S, C) -> a list of N arrays of probabilities (classes,)."""
        return list(to_numpy(model.classify(images)))

    @staticmethod
    def truth(dataset):
        return dataset.labels

    @staticmethod
    def score(probabilities, labels, classes):
        predicted = np.argmax(probabilities, axis=1)
        matrix = confusion_matrix(predicted, labels, len(classes))
        return {
            "accuracy": accuracy(predicted, labels),
            "recall": dict(zip(classes, recalls(matrix), strict=True)),
            "confusion": matrix.tolist(),
        }


TASKS = {"detect": Detection, "classify": Classification}


def task_of(model):
    return TASKS[model.task]


def answers(model, dataset, *, batch_size=16, workers=2, report=None):
    """What the model says of every sample, in the order of the data set.

    report(done, total) is called after each batch.
    """
    task = task_of(model)

    def prepare(sample, _rng):
        return (resize_image(sample.image, model.input_size),)

    loader = Loader(dataset, prepare, batch_size, workers=workers, shuffle=False)
    found = []
    with model.inference():
        for batch in loader.epoch(0):
            found += task.answers(model, to_device(batch.images, model.device))
            if report:
                report(len(found), len(dataset))
    return found
