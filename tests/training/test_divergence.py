"""A run that loses what it had learned is stopped, in one line that says where, and what to try."""

import numpy as np
import pytest

from minissd.training import LAST, TrainConfig, finite, load_checkpoint, train
from minissd.training.finite import Divergence, NotFinite


def records(losses, first=1):
    return [{"step": step, "loss": loss, "norm": 4 * loss, "lr": 0.06} for step, loss in enumerate(losses, first)]


def losses_of(*turns, noise=0.2, seed=0):
    """Losses on straight lines between (step, loss) turns, and noise on them, in parts of the loss."""
    steps = np.arange(turns[-1][0])
    line = np.interp(steps, *zip(*turns, strict=True))
    return (line * (1 + noise * np.random.default_rng(seed).standard_normal(len(steps)))).tolist()


DIVERGES = losses_of((0, 14), (50, 9), (150, 5), (250, 12), (400, 12))


def first_stop(losses):
    watch = Divergence()
    for record in records(losses):
        try:
            watch.look_at(record)
        except NotFinite as error:
            return record["step"], str(error)
    return None


def test_a_run_that_diverges():
    step, message = first_stop(DIVERGES)
    assert 200 < step < 290
    for part in (f"at step {step}", "norm of the gradient", "rate 0.06", "try --lr 0.02"):
        assert part in message


@pytest.mark.parametrize(
    "losses",
    [
        losses_of((0, 14), (400, 2)),
        losses_of((0, 14), (60, 6), (120, 8), (400, 2)),  # the rate rises, which costs a little
        losses_of((0, 14), (100, 0.5), (400, 1.5)),  # learned by heart, then less so
        losses_of((0, 14), (400, 10), noise=0.6),
        DIVERGES[:150],
    ],
)
def test_runs_that_do_not(losses):
    assert first_stop(losses) is None


@pytest.mark.parametrize("stop", [20, 60, 160, 210])
def test_a_resumed_run_stops_where_the_uninterrupted_one_does(stop):
    _, message = first_stop(DIVERGES)
    watch = Divergence([*records(DIVERGES[:stop]), {"step": stop, "validation": {"mAP": 0.5}}])
    with pytest.raises(NotFinite) as caught:
        for record in records(DIVERGES[stop:], first=stop + 1):
            watch.look_at(record)
    assert str(caught.value) == message


def test_a_training_run_is_stopped_and_keeps_what_it_had(monkeypatch, tmp_path, shapes, new_model, refused):
    monkeypatch.setattr(finite, "STEPS", 2)
    model = new_model()

    def report(record, total):
        if record["step"] == 5:
            model.params["head0.logits.b"][::3] = -100  # nothing is background any more

    config = TrainConfig(epochs=5, batch_size=4, lr=0.02, warmup=0, workers=0)
    with refused("the run diverges", "at step 6", "--lr"):
        train(model, shapes, config, out=tmp_path, report=report)
    assert load_checkpoint(tmp_path / LAST).step == 4
