"""Training and evaluation on the strict stand-in for CuPy: the numbers of NumPy, no needless waits."""

import numpy as np
import pytest
from strict_cupy import count_syncs

from minissd.data import DetectionPreparation, Loader
from minissd.device import to_device
from minissd.training import LAST, SGD, TrainConfig, evaluate, load_checkpoint, train, train_step

CONFIG = TrainConfig(epochs=1, batch_size=4, validate_every=1, workers=0)


@pytest.fixture
def models(new_model, strict):
    """The same model on the CPU and on the card, in float64: sums in another order then hardly differ."""
    return new_model(dtype="float64"), new_model(dtype="float64", device="cuda")


@pytest.fixture
def batches(shapes, models):
    prepare = DetectionPreparation(models[0].targets, 64)
    return list(Loader(shapes, prepare, 4, workers=0).epoch(0))


def same_arrays(strict, on_card, on_cpu):
    assert on_card.keys() == on_cpu.keys()
    for name, array in on_card.items():
        assert isinstance(array, strict.ndarray)
        np.testing.assert_allclose(strict.asnumpy(array), on_cpu[name], rtol=1e-7, atol=1e-9)


def test_training_steps(strict, models, batches):
    optimizers = [SGD(model.params, 0.01) for model in models]
    for step, batch in enumerate(batches):
        cpu, card = (train_step(*pair, batch, CONFIG, step) for pair in zip(models, optimizers, strict=True))
        assert card == pytest.approx(cpu, rel=1e-9)
        assert {type(number) for number in card.values()} == {float}
    cpu, card = models
    same_arrays(strict, card.params, cpu.params)
    same_arrays(strict, card.buffers, cpu.buffers)
    same_arrays(strict, optimizers[1].velocity, optimizers[0].velocity)


def test_a_step_waits_for_the_card_once(models, batches):
    """To read the loss: everything else is queued behind it."""
    model = models[1]
    optimizer = SGD(model.params, 0.01)
    with count_syncs() as syncs:
        train_step(model, optimizer, batches[0], CONFIG, 0)
    assert syncs == ["get"]


def test_detections(models, batches):
    cpu, card = models
    train_step(cpu, SGD(cpu.params, 0.01), batches[0], CONFIG, 0)
    train_step(card, SGD(card.params, 0.01), batches[0], CONFIG, 0)
    images = batches[1].images
    found, expected = card.detect(to_device(images, "cuda")), cpu.detect(images)
    for ours, theirs in zip(found, expected, strict=True):
        assert all(isinstance(part, np.ndarray) for part in ours)
        assert len(theirs.scores) > 0
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        np.testing.assert_allclose(ours.scores, theirs.scores, rtol=1e-6)
        np.testing.assert_allclose(ours.corners, theirs.corners, atol=1e-6)


def test_a_whole_run_with_validation_checkpoint_and_evaluation(tmp_path, shapes, held_out, models):
    cpu, card = models
    on_cpu = train(cpu, shapes, CONFIG, validation=held_out)
    on_card = train(card, shapes, CONFIG, validation=held_out, out=tmp_path)
    assert [record.get("loss") for record in on_card] == pytest.approx([record.get("loss") for record in on_cpu])
    scores, expected = (records[-1]["validation"]["AP"] for records in (on_card, on_cpu))
    assert scores == pytest.approx(expected, nan_ok=True)
    checkpoint = load_checkpoint(tmp_path / LAST, device="cuda")
    metrics, _, _ = evaluate(checkpoint.model, held_out)
    assert metrics["mAP"] == pytest.approx(on_card[-1]["validation"]["mAP"])
    go_on = TrainConfig(epochs=2, batch_size=4, workers=0)
    assert len(train(checkpoint.model, shapes, go_on, resume=checkpoint)) == 2


def test_a_loss_that_is_not_finite_is_explained_from_there_too(models, batches, refused):
    model = models[1]
    model.params["stage1.conv0.w"][0, 0, 0, 0] = float("nan")
    with refused("step 1", "stage1.conv0.w is not finite", ", ".join(batches[0].ids)):
        train_step(model, SGD(model.params, 0.01), batches[0], CONFIG, 0)
