"""Run a detector over a data set and score it the way PASCAL VOC does."""

from minissd.backend import to_device
from minissd.data import Loader, resize_image
from minissd.detection import evaluate_detections
from minissd.errors import MinissdError


def detect_dataset(model, dataset, *, batch_size=16, workers=2, report=None):
    """Detections of every image, in the order of the data set.  report(done, total) is called after each batch."""

    def prepare(sample, _rng):
        return (resize_image(sample.image, model.input_size),)

    loader = Loader(dataset, prepare, batch_size, workers=workers, shuffle=False)
    detections = []
    for batch in loader.epoch(0):
        detections += model.detect(to_device(batch.images, model.device))
        if report:
            report(len(detections), len(dataset))
    return detections


def evaluate(model, dataset, *, method="voc07", iou_threshold=0.5, batch_size=16, workers=2, report=None):
    """(metrics, detections, objects): metrics as metrics.json holds them, and what they were computed from."""
    check_classes(model, dataset)
    detections = detect_dataset(model, dataset, batch_size=batch_size, workers=workers, report=report)
    objects = [dataset.objects(i) for i in range(len(dataset))]
    metrics = evaluate_detections(detections, objects, dataset.classes, iou_threshold, method)
    return metrics, detections, objects


def check_classes(model, dataset):
    """MinissdError unless label k means the same to the model and to the data set."""
    if model.classes != dataset.classes:
        raise MinissdError(
            f"{dataset.name} has the classes {', '.join(dataset.classes)}, but the model knows "
            f"{', '.join(model.classes)}: open it with those, in that order, or train a new model"
        )
