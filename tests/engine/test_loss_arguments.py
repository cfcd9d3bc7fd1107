"""Labels and targets of losses that do not fit are refused with a sentence, or on a card make the loss NaN."""

import numpy as np
import pytest
from strict_cupy import count_syncs

from minissd import engine
from minissd.detection import multibox_loss, yolo_loss
from minissd.device import to_numpy
from minissd.metrics.segmentation import mask_loss


def test_an_empty_batch_has_no_loss():
    no = np.zeros((0, 5, 4))
    assert multibox_loss(no, no, no, np.zeros((0, 5), int))[0] == 0
    boxes, classes = np.zeros((0, 2, 2, 2, 5)), np.zeros((0, 2, 2, 1, 3))
    assert yolo_loss(boxes, classes, np.zeros((0, 2, 2, 1), int), np.zeros((0, 2, 2, 1, 4)))[0] == 0
    assert mask_loss(no[..., None], np.zeros((0, 5, 4), np.uint8))[0] == 0
    assert engine.cross_entropy(no, np.zeros((0, 5), int))[0] == 0
    with pytest.raises(ValueError, match=r"needs offsets \(N, P, 4\)"):
        multibox_loss(*[np.zeros((2, 0, 4))] * 3, np.zeros((2, 0), int))


def loss_of_labels(name, labels, to_place=lambda array: array):
    """Of 2 x 3 predictions of 4 classes; labels (2, 3)."""
    rng = np.random.default_rng(0)
    logits, boxes = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4))
    cells = [array.reshape(2, 1, 1, 3, -1) for array in (rng.standard_normal((2, 3, 5)), logits[..., :3], boxes**2)]
    anchors = np.ones((3, 2))
    calls = {
        "cross_entropy": (engine.cross_entropy, [logits, labels]),
        "multibox_loss": (multibox_loss, [boxes, logits, boxes + 0.5, labels]),
        "mask_loss": (mask_loss, [logits[:, :, None, :3], labels[:, :, None]]),
        "yolo_loss": (yolo_loss, [*cells[:2], labels.reshape(2, 1, 1, 3), cells[2], anchors]),
    }
    function, arguments = calls[name]
    size = {"size": 6} if name == "mask_loss" else {}
    return function(*map(to_place, arguments), **size)[0]


WITH_LABELS = ["cross_entropy", "multibox_loss", "mask_loss", "yolo_loss"]


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8"])
@pytest.mark.parametrize("label", [-1, 4, 100])
@pytest.mark.parametrize("name", WITH_LABELS)
def test_labels_that_do_not_exist_are_refused(name, label, dtype):
    """A label of -1 would be taken for the last class, one of C + 1 for no class at all."""
    labels = np.array([[0, 1, 2], [3, 0, label % 256 if dtype == "uint8" else label]]).astype(dtype)
    if name == "mask_loss" and labels[1, 2] == 255:
        pytest.skip("void")
    with pytest.raises(ValueError, match=rf"{name} needs labels from 0 to 3.*, got {labels[1, 2]}$"):
        loss_of_labels(name, labels)
    labels[1, 2] = 3
    assert np.isfinite(loss_of_labels(name, labels))


@pytest.mark.parametrize("name", WITH_LABELS)
def test_labels_that_are_no_integers_are_refused_and_bools_are_0_and_1(name):
    bools = np.array([[True, False, True], [False, False, True]])
    assert loss_of_labels(name, bools) == loss_of_labels(name, bools.astype(np.int64))
    with pytest.raises(TypeError, match="integers, got float64"):
        loss_of_labels(name, np.ones((2, 3)))


@pytest.mark.parametrize("name", WITH_LABELS)
def test_on_a_card_the_loss_of_labels_that_do_not_exist_is_nan_and_nobody_waits(name, card):
    for label, finite in [(3, True), (-1, False), (4, False)]:
        labels = np.array([[0, 1, 2], [3, 0, label]])
        with count_syncs() as syncs:
            loss = loss_of_labels(name, labels, card.asarray)
        assert syncs == []
        assert np.isfinite(to_numpy(loss)) == finite
        if finite:
            np.testing.assert_allclose(to_numpy(loss), loss_of_labels(name, labels), rtol=1e-12)


def test_void_is_a_label_of_masks_alone():
    labels = np.array([[0, 1, 2], [3, 0, 255]], np.uint8)
    assert np.isfinite(loss_of_labels("mask_loss", labels))
    with pytest.raises(ValueError, match="got 255"):
        loss_of_labels("cross_entropy", labels)


def test_targets_are_taken_in_the_dtype_of_the_predictions(rng):
    x = rng.standard_normal((3, 4)).astype(np.float32)
    for target in (np.ones((3, 4)), np.ones((3, 4), int), np.ones((3, 4), np.uint8)):
        for name in ("smooth_l1", "binary_cross_entropy"):
            loss, cache = getattr(engine, name)(x, target)
            expected, _ = getattr(engine, name)(x, target.astype(np.float32))
            assert loss.dtype == getattr(engine, f"{name}_backward")(cache).dtype == np.float32
            assert loss == expected


def test_probabilities_outside_of_0_to_1_are_refused(rng):
    x = rng.standard_normal(3)
    for value in (-0.1, 1.1, np.nan, 255):
        with pytest.raises(ValueError, match="targets from 0 to 1"):
            engine.binary_cross_entropy(x, np.array([0, 1, value]))
