"""Saliency: the formula on models where it can be written down, and the right score of an SSD."""

import numpy as np
import pytest

from minissd.errors import MinissdError
from minissd.explain import saliency
from minissd.explain.saliency_maps import surest_boxes, weighted_sum
from minissd.models import build

LABELS = np.array([0, 1, 1])


@pytest.fixture(scope="module")
def detector():
    """An untrained ssd-tiny of six classes; the offsets and logits of one are as good as any for a gradient."""
    return build("ssd-tiny", classes=tuple("abcdef"), input_size=64, dtype="float64", seed=3)


@pytest.mark.parametrize("local", [False, True])
def test_of_a_linear_model_it_is_the_weights_times_the_map(toy, images, local):
    """logit = sum over cells of A @ w / (H W) + b: the map shares the logit out among the cells."""
    model = toy(stride=2)
    found = saliency(model, images, "conv", LABELS, local=local)
    maps = dict(model.trace(images))["conv"]
    w, b = model.params["linear.w"][:, LABELS], model.params["linear.b"][LABELS]
    expected = np.einsum("nijk,kn->nij", maps, w) / maps[0, :, :, 0].size
    np.testing.assert_allclose(found.maps, expected, rtol=1e-10)
    logits, _ = model.forward(images)
    np.testing.assert_allclose(found.maps.sum(axis=(1, 2)) + b, logits[np.arange(3), LABELS], rtol=1e-10)
    np.testing.assert_allclose(found.probabilities, model.classify(images)[np.arange(3), LABELS])
    assert found.corners is None


def test_the_local_form_has_a_gradient_for_each_place(rng):
    maps, gradients = rng.standard_normal((2, 2, 3, 4, 5))
    np.testing.assert_allclose(weighted_sum(maps, gradients, local=True), (maps * gradients).sum(axis=-1))


def test_relu_drops_what_speaks_against_and_only_that(toy, images):
    plain, rectified = (
        saliency(toy_model, images, "conv", LABELS, relu=relu).maps for toy_model in [toy()] for relu in (False, True)
    )
    assert plain.min() < 0
    np.testing.assert_array_equal(rectified, np.where(plain > 0, plain, 0))


def test_the_map_moves_with_the_object(toy, rng):
    model = toy(relu=True, stride=2)
    image = np.full((1, 16, 16, 3), 110, np.uint8)
    image[:, 3:7, 2:6] = rng.integers(0, 256, (1, 4, 4, 3))
    there = np.roll(image, (4, 6), axis=(1, 2))
    before, after = (saliency(model, one, "relu", LABELS[:1]).maps[0] for one in (image, there))
    assert np.ptp(before) > 0
    np.testing.assert_allclose(after[2:6, 3:6], before[0:4, 0:3], atol=1e-12)


def test_of_an_ssd_the_box_is_that_of_its_best_detection(detector, rng):
    images = rng.integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    labels = np.array([0, 4, 5])
    found = saliency(detector, images, "stage0.relu5", labels)
    for n, detections in enumerate(detector.detect(images, score_threshold=0.0, limit=10_000)):
        best = np.flatnonzero(detections.labels == labels[n])[0]
        np.testing.assert_allclose(found.corners[n].clip(0, 1), detections.corners[best], atol=1e-12)
        np.testing.assert_allclose(found.probabilities[n], detections.scores[best])


def test_of_an_ssd_the_score_is_the_logit_of_that_box(detector, rng):
    """The local form against a difference quotient: the sum of A dlogit/dA is the change of the logit along A."""
    image, label = rng.integers(0, 256, (1, 64, 64, 3), dtype=np.uint8), np.array([4])
    (_, logits), _ = detector.forward(image)
    box, second_map = surest_boxes(logits, label)[0], detector.spec.slices[1]
    assert second_map.start <= box < second_map.stop  # else choose another label
    maps = dict(detector.trace(image))["stage1.relu1"]

    def logit(scale):
        (_, of_map), _ = detector.heads[1].forward(scale * maps)
        return of_map[0, box - second_map.start, label[0] + 1]

    slope = (logit(1 + 1e-6) - logit(1 - 1e-6)) / 2e-6
    found = saliency(detector, image, "stage1.relu1", label, local=True).maps
    np.testing.assert_allclose(found.sum(), slope, rtol=1e-6)


def test_a_layer_beyond_the_box_says_nothing(detector, rng):
    images = rng.integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    labels = np.zeros(4, np.int64)
    (_, logits), _ = detector.forward(images)
    assert (surest_boxes(logits, labels) < detector.spec.slices[0].stop).all()  # else choose another label
    assert not saliency(detector, images, "stage3.relu0", labels).maps.any()
    assert saliency(detector, images, "stage0.relu5", labels).maps.any(axis=(1, 2)).all()


@pytest.mark.parametrize(("layer", "word"), [("pool", "no map"), ("conv9", "conv")])
def test_layers_without_a_map_are_refused(toy, images, layer, word):
    with pytest.raises(MinissdError, match=word):
        saliency(toy(), images, layer, LABELS)


def test_a_model_without_class_logits_is_refused(rng):
    model = build("unet", classes=("person",), input_size=32, width=2)
    with pytest.raises(MinissdError, match="unet"):
        saliency(model, rng.integers(0, 256, (1, 32, 32, 3), dtype=np.uint8), "output", np.array([0]))
