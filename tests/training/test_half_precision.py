"""Training with products in float16: the loss is scaled, an overflow costs a step, a resumed run equals a whole one."""

import numpy as np
import pytest
from strict_cupy import count_syncs
from strict_streams import is_there

from minissd.data import DetectionPreparation, Loader
from minissd.device.card import uploaded
from minissd.engine import linear, linear_backward
from minissd.engine.products import precision
from minissd.errors import MinissdError
from minissd.training import LAST, SGD, TrainConfig, load_checkpoint, loss_scale, train, train_step
from minissd.training.loss_scale import UNSCALED, LossScale, all_finite

HALF = TrainConfig(epochs=1, batch_size=4, workers=0, precision="fp16")


@pytest.fixture
def batch(shapes, new_model):
    return next(Loader(shapes, DetectionPreparation(new_model().targets, 64), 4, workers=0).epoch(0))


def step_of(model, batch, scale, config=HALF):
    optimizer = SGD(model.params, 0.01)
    return train_step(model, optimizer, batch, config, 0, loss_scale=scale), optimizer


def test_gradients_too_small_for_half_precision_survive(rng):
    x, w = rng.standard_normal((4, 3), dtype=np.float32), rng.standard_normal((3, 2), dtype=np.float32)
    y, cache = linear(x, w)
    dy, scale = np.full(y.shape, 1e-9, np.float32), LossScale()
    with precision("fp16"):
        assert not linear_backward(dy, cache)[1].any()
        _, dw, _ = linear_backward(scale.magnify(dy), cache)
    grads = {"w": dw}
    assert scale.settle([1], grads, 1) == (True, {"loss_scale": 2**16})
    np.testing.assert_allclose(grads["w"], x.T @ dy, rtol=1e-2, atol=1e-11)


def test_magnified_and_restored_nothing_has_changed(rng):
    a, b = rng.standard_normal((2, 5), dtype=np.float32)
    scale = LossScale()
    grads = dict(zip("ab", scale.magnify((a, b)), strict=True))
    scale.settle([1], grads, 1)
    np.testing.assert_array_equal([grads["a"], grads["b"]], [a, b])


def test_the_scale_is_halved_at_once_and_doubled_after_a_while(monkeypatch):
    monkeypatch.setattr(loss_scale, "GROW_AFTER", 3)
    scale, seen = LossScale(8.0), []
    for step, finite in enumerate([True, True, False, True, True, True, True, False]):
        taken, used = scale.settle([finite], {}, step)
        assert taken == finite and used == {"loss_scale": seen[-1] if seen else 8}
        seen.append(scale.scale)
    assert seen == [8, 8, 4, 4, 4, 8, 8, 4]


def test_a_scale_that_never_suffices_ends_the_run(refused):
    scale = LossScale()
    with refused("step 31", "not finite", "lower --lr"):
        for step in range(1, 100):
            scale.settle([0], {}, step)


@pytest.mark.parametrize("wrong", [None, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("on_card", [False, True])
def test_whether_all_gradients_are_finite(strict, wrong, on_card):
    grads = {"a": np.ones((2, 3), np.float32), "b": np.ones(4, np.float32)}
    if wrong is not None:
        grads["b"][2] = wrong
    there = {name: strict.asarray(array) if on_card else array for name, array in grads.items()}
    assert float(all_finite(there)) == (wrong is None)


def test_the_check_lies_where_the_loss_lies(strict):
    """The loss of several processes is in host memory, their gradients are on the card."""
    grads = {"w": strict.zeros(3, dtype=np.float32)}
    (there,), (here,) = (LossScale().watch(grads, loss) for loss in (strict.zeros(()), np.zeros(())))
    assert isinstance(there, strict.ndarray) and isinstance(here, np.ndarray)
    assert float(there) == float(here) == 1


def test_a_step_is_nearly_that_of_single_precision(new_model, batch):
    half, single = new_model(), new_model()
    losses, optimizer = step_of(half, batch, LossScale(2.0**8))
    exact, exact_optimizer = step_of(single, batch, UNSCALED, TrainConfig(batch_size=4))
    assert losses.pop("loss_scale") == 2**8
    assert losses == pytest.approx(exact, rel=1e-2) and losses != exact
    assert {array.dtype for array in half.params.values()} == {np.dtype(np.float32)}
    update, right = (
        np.concatenate([array.ravel() for array in one.velocity.values()]) for one in (optimizer, exact_optimizer)
    )
    assert np.linalg.norm(update - right) < 0.1 * np.linalg.norm(right)  # kinks, and batch norms of few values


def test_a_step_on_the_card_is_that_of_the_cpu_and_waits_once(strict, new_model, batch):
    cpu, card = new_model(), new_model(device="cuda")
    losses, _ = step_of(cpu, batch, LossScale())
    optimizer = SGD(card.params, 0.01)
    with count_syncs() as syncs:
        there = train_step(card, optimizer, batch, HALF, 0, loss_scale=LossScale())
    assert syncs == ["get"]
    assert there == pytest.approx(losses, rel=1e-2)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_an_overflow_changes_nothing_but_the_scale(new_model, batch, accumulate):
    model, scale = new_model(), LossScale(2.0**60)
    before = {name: array.copy() for name, array in model.params.items()}
    losses, optimizer = step_of(model, batch, scale, TrainConfig(batch_size=4, precision="fp16", accumulate=accumulate))
    assert np.isfinite(losses["loss"]) and losses["loss_scale"] == 2.0**60 and scale.scale == 2.0**59
    for name, array in before.items():
        np.testing.assert_array_equal(model.params[name], array)
        assert not optimizer.velocity[name].any()


def test_a_resumed_run_is_the_uninterrupted_one(new_model, shapes, tmp_path, monkeypatch):
    """Though the scale changes in between, down and up."""
    monkeypatch.setattr(loss_scale, "GROW_AFTER", 2)
    monkeypatch.setattr(LossScale.__init__, "__defaults__", (2.0**24, 0))
    config = TrainConfig(steps=6, batch_size=4, workers=0, precision="fp16")
    whole = new_model()
    records = train(whole, shapes, config)

    def stop(record, total):
        if record["step"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(new_model(), shapes, config, out=tmp_path, report=stop)
    checkpoint = load_checkpoint(tmp_path / LAST)
    assert checkpoint.settings["loss_scale"]["scale"] != 2.0**24
    resumed = train(checkpoint.model, shapes, config, resume=checkpoint)
    scales = [record["loss_scale"] for record in records]
    assert len(set(scales)) > 2
    assert [record["loss_scale"] for record in resumed] == scales[-len(resumed) :]
    for name, array in whole.params.items():
        np.testing.assert_array_equal(checkpoint.model.params[name], array)


def test_a_checkpoint_in_single_precision_keeps_no_scale(new_model, shapes, tmp_path):
    train(new_model(), shapes, TrainConfig(steps=1, batch_size=4, workers=0), out=tmp_path)
    assert load_checkpoint(tmp_path / LAST).settings["loss_scale"] is None


def test_an_unknown_precision_is_refused_by_name():
    with pytest.raises(MinissdError, match="--precision 'half' is not known: choose one of fp32, tf32, fp16"):
        TrainConfig(precision="half")


# --- the next batch is on its way ---


def test_batches_come_over_ahead_in_pinned_memory(strict, shapes, new_model):
    model = new_model(device="cuda")
    loader = Loader(shapes, DetectionPreparation(model.targets, 64), 4, workers=0)
    drawn = []

    def watched():
        for batch in loader.epoch(0):
            drawn.append(batch.ids)
            yield batch

    with count_syncs() as syncs:
        for number, (batch, moved) in enumerate(uploaded(watched(), "cuda"), 1):
            assert len(drawn) == min(number + 1, loader.batches_per_epoch)  # the next one is under way
            assert moved.ids == batch.ids == drawn[number - 1]
            for there, here in zip((moved.images, *moved.targets), (batch.images, *batch.targets), strict=True):
                assert isinstance(there, strict.ndarray)
                np.testing.assert_array_equal(there._host, here)
    assert number == loader.batches_per_epoch and syncs == []


def test_a_copy_is_waited_for_before_the_batch_is_used_and_waits_for_what_was_there(strict, shapes, new_model):
    """The order that a card needs: memory free of earlier work, copy, event, the stream that computes waits for it."""
    loader = Loader(shapes, DetectionPreparation(new_model().targets, 64), 4, workers=0)
    for _, moved in uploaded(loader.epoch(0), "cuda"):
        assert all(is_there(array) for array in (moved.images, *moved.targets))


def test_on_the_cpu_nothing_is_moved(shapes, new_model):
    loader = Loader(shapes, DetectionPreparation(new_model().targets, 64), 4, workers=0)
    assert all(moved is None for _, moved in uploaded(loader.epoch(0), "cpu"))


def test_no_batches_no_uploads(strict):
    assert list(uploaded([], "cuda")) == []
