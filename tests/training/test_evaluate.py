"""evaluate(): who knows the truth scores 1, who is blind 0, and every image meets its own objects."""

from contextlib import nullcontext

import numpy as np
import pytest

from minissd.data import ShapesDataset, resize_sample
from minissd.detection import Detections
from minissd.models import build
from minissd.training import TrainConfig, evaluate, train
from minissd.training.tasks import answers


class Oracle:
    """Recognises the images of a data set by their pixels and detects what the annotation says."""

    task, input_size, device = "detect", 48, "cpu"
    inference = nullcontext

    def __init__(self, dataset, move=0.0):
        self.classes = dataset.classes
        self.batches = []
        self.known = {resize_sample(sample, self.input_size).image.tobytes(): sample for sample in dataset}
        self.move = np.float32(move)

    def detect(self, images):
        self.batches.append(len(images))
        return [self.answer(self.known[image.tobytes()]) for image in images]

    def answer(self, sample):
        return Detections(sample.corners + self.move, sample.labels, np.linspace(1, 0.5, len(sample.labels)))


class Blind(Oracle):
    def answer(self, sample):
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))


@pytest.fixture(scope="module")
def pictures():
    return ShapesDataset(7, "test", size=64)


@pytest.mark.parametrize("method", ["voc07", "area"])
@pytest.mark.parametrize("workers", [0, 2])
def test_the_truth_scores_1(pictures, method, workers):
    oracle = Oracle(pictures)
    metrics, detections, objects = evaluate(oracle, pictures, method=method, batch_size=3, workers=workers)
    assert (metrics["mAP"], metrics["recall"], metrics["method"]) == (1, 1, method)
    assert set(metrics["AP"]) == set(pictures.classes)
    assert oracle.batches == [3, 3, 1]  # every image once, the last incomplete batch too
    for found, there, sample in zip(detections, objects, pictures, strict=True):
        np.testing.assert_array_equal(found.corners, sample.corners)
        np.testing.assert_array_equal(there.labels, sample.labels)


def test_nothing_found_scores_0(pictures):
    metrics, _, _ = evaluate(Blind(pictures), pictures, workers=0)
    assert (metrics["mAP"], metrics["recall"]) == (0, 0)


def test_the_overlap_asked_for_counts(pictures):
    """Boxes moved by 2 % of the image are hits at a low threshold and misses at the highest."""
    oracle = Oracle(pictures, move=0.02)
    low, high = (evaluate(oracle, pictures, iou_threshold=at, workers=0)[0]["mAP"] for at in (0.3, 0.99))
    assert low == 1
    assert high == 0


def test_progress_is_reported_after_each_batch(pictures):
    calls = []
    answers(Oracle(pictures), pictures, batch_size=3, report=lambda *call: calls.append(call))
    assert calls == [(3, 7), (6, 7), (7, 7)]


def test_a_real_model_gives_one_set_of_detections_an_image(pictures, new_model):
    detections = answers(new_model(), pictures, batch_size=4)
    assert len(detections) == 7
    for corners, labels, scores in detections:
        assert corners.shape == (len(scores), 4)
        assert np.isin(labels, range(len(pictures.classes))).all()
        assert (np.diff(scores) <= 0).all()


def test_the_batch_size_does_not_matter(pictures, new_model):
    model = new_model()
    for one, other in zip(
        answers(model, pictures, batch_size=2),
        answers(model, pictures, batch_size=7),
        strict=True,
    ):
        np.testing.assert_allclose(one.scores, other.scores, rtol=1e-4)


def test_classes_in_another_order_are_refused(pictures, refused):
    swapped = ShapesDataset(7, "test", size=64, classes=pictures.classes[::-1])
    with refused("shapes has the classes triangle", "knows cross"):
        evaluate(Oracle(pictures), swapped)


def test_data_for_another_task_are_refused(shapes, refused):
    model = build("tiny", classes=shapes.classes, input_size=64)
    for use in (lambda: train(model, shapes, TrainConfig(steps=1)), lambda: evaluate(model, shapes)):
        with refused("data to detect", "tiny is there to classify"):
            use()
