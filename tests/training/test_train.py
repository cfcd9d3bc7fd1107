"""train(): the loss falls, the log tells it, validation keeps the best, the seed decides everything."""

import numpy as np
import pytest

from minissd.data import Loader, ShapesDataset, read_image
from minissd.detection import precision_recall_curves
from minissd.metrics import best_thresholds
from minissd.training import BEST, LAST, TrainConfig, evaluate, load_checkpoint, loop, read_log, train


def without_time(records):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


def test_the_loss_falls(shapes, new_model, plain):
    config = TrainConfig(epochs=15, batch_size=4, lr=0.02, workers=0)
    records = train(new_model(), shapes, config, augmentation=plain)
    losses = [record["loss"] for record in records]
    assert np.mean(losses[-4:]) < np.mean(losses[:4]) / 2


def test_every_step_is_recorded_reported_and_logged(tmp_path, shapes, new_model):
    config = TrainConfig(epochs=3, batch_size=4, workers=0)
    reported = []
    records = train(new_model(), shapes, config, out=tmp_path / "run", report=lambda *call: reported.append(call))
    assert reported == [(record, 6) for record in records]
    assert read_log(tmp_path / "run" / "log.jsonl") == records
    assert [(record["step"], record["epoch"]) for record in records] == [
        (1, 1),
        (2, 1),
        (3, 2),
        (4, 2),
        (5, 3),
        (6, 3),
    ]
    for step, record in enumerate(records):
        assert record["lr"] == config.learning_rate(step, 6)
        assert record["loss"] == pytest.approx(record["confidence"] + record["localization"], rel=1e-6)
        assert record["seconds"] > 0


def test_the_learning_rate_reaches_the_update(shapes, new_model):
    """At a rate of almost nothing the parameters stay where they were; at the usual rate they do not."""
    moved = {}
    for lr in (1e-12, 0.02):
        model = new_model()
        before = model.params["stage0.conv0.w"].copy()
        train(model, shapes, TrainConfig(epochs=1, batch_size=4, lr=lr, workers=0))
        moved[lr] = np.abs(model.params["stage0.conv0.w"] - before).max()
    assert moved[1e-12] < 1e-6 < 1e-4 < moved[0.02]


@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_workers_changes_nothing(shapes, new_model, workers):
    alone, together = (
        train(new_model(), shapes, TrainConfig(epochs=2, batch_size=4, workers=count)) for count in (0, workers)
    )
    assert without_time(together) == without_time(alone)


def test_another_seed_is_another_run(shapes, new_model):
    one, other = (train(new_model(), shapes, TrainConfig(epochs=1, batch_size=4, seed=seed)) for seed in (0, 1))
    assert one[0]["loss"] != other[0]["loss"]


def test_the_randomness_of_a_step_follows_from_the_seed_and_the_step(shapes, new_model):
    """What dropout would draw: anew at every step, the same in every run."""

    def draws(seed):
        model, drawn = new_model(), []
        forward = model.forward

        def spy(images, train, rng):
            drawn.append(rng.random())
            return forward(images, train, rng)

        model.forward = spy
        train(model, shapes, TrainConfig(epochs=2, batch_size=4, workers=0, seed=seed))
        return drawn

    assert draws(0) == draws(0)
    assert len(set(draws(0) + draws(1))) == 8


def test_validation_is_due_every_few_epochs_and_at_the_end(shapes, held_out, new_model, tmp_path):
    config = TrainConfig(epochs=5, batch_size=8, validate_every=2, workers=0)
    records = train(new_model(), shapes, config, validation=held_out, out=tmp_path)
    validated = [record for record in records if "validation" in record]
    assert [(record["epoch"], record["step"]) for record in validated] == [(2, 2), (4, 4), (5, 5)]
    assert all(0 <= record["validation"]["mAP"] <= 1 for record in validated)
    assert all(record["validation"]["AP"].keys() == set(shapes.classes) for record in validated)


@pytest.mark.parametrize(
    ("scores", "best"),
    [([0.3, 0.5, 0.4], 2), ([0.5, 0.3, 0.4], 1), ([0.1, 0.2, 0.3], 3), ([0.2, 0.2, 0.1], 2)],
)
def test_the_best_checkpoint_is_that_of_the_highest_map(
    shapes, held_out, new_model, tmp_path, monkeypatch, scores, best
):
    """Of equal scores the later, which has learned for longer."""
    scored = iter(scores)
    monkeypatch.setattr(loop, "evaluate", lambda *_, **__: ({"mAP": next(scored)}, [], []))
    config = TrainConfig(epochs=3, batch_size=8, validate_every=1, workers=0)
    train(new_model(), shapes, config, validation=held_out, out=tmp_path)
    assert load_checkpoint(tmp_path / BEST).step == best
    assert load_checkpoint(tmp_path / LAST).step == 3
    assert load_checkpoint(tmp_path / LAST).settings["best"] == max(scores)


def test_a_validation_leaves_its_best_thresholds_and_may_be_scored_as_coco_does(
    shapes, held_out, new_model, tmp_path, monkeypatch
):
    monkeypatch.setattr("minissd.metrics.thresholds.LEAST_F1", 1e-6)  # two epochs find next to nothing
    config = TrainConfig(epochs=2, batch_size=8, validate_every=2, workers=0, metric="coco")
    model = new_model()
    records = train(model, shapes, config, validation=held_out, out=tmp_path)
    (scored,) = (record["validation"] for record in records if "validation" in record)
    metrics, found, truth = evaluate(model, held_out, method="coco")
    assert scored["coco"] == pytest.approx(metrics["coco"], nan_ok=True) and scored["method"] == "coco"
    best = best_thresholds(precision_recall_curves(found, truth, model.classes))
    assert best and load_checkpoint(tmp_path / BEST).model.thresholds == pytest.approx(best)


def test_without_a_folder_nothing_is_written(shapes, held_out, new_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(new_model(), shapes, TrainConfig(epochs=1, batch_size=4, workers=0), validation=held_out)
    assert list(tmp_path.iterdir()) == []


def test_the_last_checkpoint_is_the_model_as_it_is(shapes, new_model, tmp_path):
    model = new_model()
    train(model, shapes, TrainConfig(epochs=2, batch_size=4, workers=0), out=tmp_path)
    loaded = load_checkpoint(tmp_path / LAST)
    assert loaded.step == 4
    for name, array in (loaded.model.params | loaded.model.buffers).items():
        np.testing.assert_array_equal(array, (model.params | model.buffers)[name])
    assert any(velocity.any() for velocity in loaded.velocity.values())


def test_fewer_images_than_a_batch_are_one_batch(new_model):
    few = ShapesDataset(3, size=64)
    records = train(new_model(), few, TrainConfig(epochs=2, batch_size=16, workers=0))
    assert [record["step"] for record in records] == [1, 2]


def test_a_float64_model_trains(shapes, new_model):
    model = new_model(dtype="float64")
    train(model, shapes, TrainConfig(epochs=1, batch_size=4, workers=0))
    assert {array.dtype for array in (model.params | model.buffers).values()} == {np.dtype("float64")}


def test_classes_that_differ_from_the_models_are_refused(shapes, held_out, new_model, refused):
    config = TrainConfig(epochs=1, batch_size=4, workers=0)
    swapped = ShapesDataset(8, size=64, classes=shapes.classes[::-1])
    with refused("shapes has the classes triangle, star", "knows cross, ellipse"):
        train(new_model(), swapped, config)


@pytest.mark.parametrize("what", ["my_images", [1, 2], None])
def test_what_is_no_data_set(new_model, what):
    with pytest.raises(
        TypeError, match=f"as open_dataset.* opens it, got {type(what).__name__}, which has no .*objects"
    ):
        train(new_model(), what, TrainConfig())


def test_a_data_set_without_images_is_refused(shapes, new_model, refused):
    class Empty(ShapesDataset):
        def __len__(self):
            return 0

    with refused("shapes", "no image"):
        train(new_model(), Empty(1, classes=shapes.classes), TrainConfig())


def test_a_broken_image_is_named_when_its_batch_is_due(shapes, new_model, refused):
    class Broken(ShapesDataset):
        def __getitem__(self, index):
            if index == 5:
                read_image(f"{self.ids[index]}.jpg")  # which is not there
            return super().__getitem__(index)

    broken = Broken(8, size=64)
    with refused("train-00005"):
        train(new_model(), broken, TrainConfig(epochs=1, batch_size=4, workers=2))


def test_batches_are_those_of_the_loader(shapes, new_model, monkeypatch):
    """Each epoch shows every image once, in the order that the loader deals."""
    seen = []

    def spy(model, optimizer, batch, config, step, processes, moved, loss_scale):
        seen.append(batch.ids)
        return {"loss": 0.0, "localization": 0.0, "confidence": 0.0}

    monkeypatch.setattr(loop, "train_step", spy)
    train(new_model(), shapes, TrainConfig(epochs=2, batch_size=4, workers=0, seed=7))
    loader = Loader(shapes, None, 4, seed=7)
    expected = [tuple(shapes.ids[i] for i in indices) for epoch in (0, 1) for indices in loader.order(epoch)]
    assert seen == expected
    assert sorted(seen[0] + seen[1]) == sorted(seen[2] + seen[3]) == sorted(shapes.ids)
