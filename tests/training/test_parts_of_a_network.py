"""A part of the network that stands still, and one that learns at a rate of its own."""

from dataclasses import replace

import numpy as np
import pytest

from minissd.errors import MinissdError
from minissd.training import LAST, TrainConfig, load_checkpoint, train

CONFIG = TrainConfig(epochs=2, batch_size=4, validate_every=9, freeze="stage0, stage1.bn0")


def arrays_of(model):
    return {name: array.copy() for name, array in (model.params | model.buffers).items()}


@pytest.fixture(scope="module")
def partly_frozen(tmp_path_factory, shapes, new_model):
    """(run folder, parameters and statistics before)."""
    model, out = new_model(), tmp_path_factory.mktemp("frozen")
    before = arrays_of(model)
    train(model, shapes, CONFIG, out=out)
    assert not any(layer.frozen for _, layer in model.leaves())  # the model is as free as it was
    return out, before


def test_frozen_layers_and_their_statistics_stay(partly_frozen):
    out, before = partly_frozen
    run = load_checkpoint(out / LAST)
    for name, array in arrays_of(run.model).items():
        still = name.startswith(("stage0.", "stage1.bn0.", "pixels."))
        assert (array == before[name]).all() == still, name
        assert (name in run.velocity) == (name in run.model.params and not still)


def test_a_frozen_run_goes_on_bit_for_bit(partly_frozen, tmp_path, shapes, new_model):
    def stop(record, total):
        if record["step"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(new_model(), shapes, CONFIG, out=tmp_path, report=stop)
    run = load_checkpoint(tmp_path / LAST)
    with pytest.raises(MinissdError, match="other layers"):
        train(run.model, shapes, replace(CONFIG, freeze=None), out=tmp_path, resume=run)
    train(run.model, shapes, CONFIG, out=tmp_path, resume=run)
    whole, parts = load_checkpoint(partly_frozen[0] / LAST), load_checkpoint(tmp_path / LAST)
    for name, array in arrays_of(whole.model).items():
        np.testing.assert_array_equal(array, arrays_of(parts.model)[name])


def test_the_trunk_learns_at_its_own_rate(shapes, new_model):
    """One step from rest is the rate times the gradient."""
    steps = {}
    for rate in (1.0, 0.25):
        model = new_model()
        before = arrays_of(model)
        train(model, shapes, TrainConfig(steps=1, batch_size=4, weight_decay=0, trunk_rate=rate), report=False)
        steps[rate] = {name: array - before[name] for name, array in model.params.items()}
    for name, step in steps[1.0].items():
        factor = 0.25 if name.startswith("stage") else 1
        np.testing.assert_allclose(steps[0.25][name], factor * step, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("rate", [0, -1, float("inf")])
def test_a_rate_of_the_trunk_that_makes_no_sense(rate):
    with pytest.raises(MinissdError, match="--trunk-rate"):
        TrainConfig(trunk_rate=rate)
