"""What holds for every model on a card: a new one gets all these checks by one row in model_table.py.

The numbers are those of the CPU, a step waits for the card once, answers come over in one piece, memory stays flat.
Each test runs on the strict stand-in for CuPy, and marked `card` on a real card.
"""

import gc

import numpy as np
import pytest
import strict_cupy
from model_table import CASES, LR, batch_for, models_on, narrow_networks
from strict_cupy import count_syncs

from minissd.data import PRESETS, Loader, ShapesDataset
from minissd.device import to_device, to_numpy
from minissd.models import MODELS
from minissd.training import SGD, TrainConfig, task_of, train_step

STEPS = 20
SAME_OUTPUTS, SAME_GRADIENTS, SAME_LOSS, SAME_NORM = 1e-4, 1e-3, 1e-3, 1e-2

DETECTORS = {name: case for name, case in CASES.items() if MODELS[case.name].task == "detect" and not case.full}
every = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture(autouse=True)
def narrow(request, monkeypatch):
    values = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if "case" in values and values["case"].full:
        if values.get("card") != "real card":
            pytest.skip("all channels take too long without a card")
    else:
        narrow_networks(monkeypatch)


def test_no_model_is_left_out():
    assert {case.name for case in CASES.values()} == set(MODELS)


def is_real(card):
    return card is not strict_cupy.cupy


def steps_of(case, card):
    return STEPS if is_real(card) else 4 if case.large else 8


def images_of(case, card):
    return 1 if case.large and not is_real(card) else 2


def arrays_in(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)


def assert_near(card, on_card, on_cpu, tolerance, what=""):
    """In parts of the largest number of the array, or of 1 if that is larger."""
    assert isinstance(on_card, card.ndarray), what
    assert on_card.dtype == on_cpu.dtype
    scale = max(1, np.abs(on_cpu).max())
    np.testing.assert_allclose(card.asnumpy(on_card), on_cpu, rtol=0, atol=tolerance * scale, err_msg=what)


def gradients(model, batch):
    """Outputs, terms of the loss, and d(loss) / d(parameter), as one training step computes them."""
    images, *targets = (to_device(array, model.device) for array in (batch.images, *batch.targets))
    outputs, cache = model.forward(images, train=True, rng=np.random.default_rng(4))
    size = model.loss_size(*batch.targets)
    terms, loss_cache = model.loss(outputs, targets[0] if len(targets) == 1 else targets, size)
    kept = tuple(array.copy() for array in arrays_in(outputs))
    _, grads = model.backward(model.loss_backward(loss_cache), cache, need_dx=False)
    return kept, terms, grads


@every
def test_outputs_and_gradients(case, card):
    cpu, there = models_on(case, "cpu", "cuda")
    batch = batch_for(cpu, images_of(case, card))
    outputs, terms, grads = gradients(cpu, batch)
    outputs_there, terms_there, grads_there = gradients(there, batch)
    for ours, theirs in zip(outputs_there, outputs, strict=True):
        assert_near(card, ours, theirs, SAME_OUTPUTS)
    assert terms_there.keys() == terms.keys()
    for name, term in terms.items():
        assert_near(card, terms_there[name], term, SAME_LOSS, name)
    assert grads_there.keys() == grads.keys() == cpu.params.keys()
    for name, grad in grads.items():
        ours = to_numpy(grads_there[name])
        assert isinstance(grads_there[name], card.ndarray) and ours.dtype == grad.dtype
        # by their lengths, for of a million ReLUs one may stand so near to its kink that rounding decides
        assert np.linalg.norm(ours - grad) <= SAME_GRADIENTS * np.linalg.norm(grad) + 1e-6, name


@every
def test_steps_of_training(case, card):
    """The losses of the CPU; one wait for the card a step, to read the loss; and no more memory at the end than after
    three."""
    models = models_on(case, "cpu", "cuda")
    cpu, there = models
    batches = [batch_for(cpu, images_of(case, card), seed) for seed in range(2)]
    optimizers = [SGD(model.params, case.lr or LR[model.task]) for model in models]
    pool, used, losses = card.get_default_memory_pool(), [], []
    for step in range(steps_of(case, card)):
        batch, config = batches[step % 2], TrainConfig(batch_size=2, augmentation="none", clip=0)
        expected = train_step(cpu, optimizers[0], batch, config, step)
        with count_syncs() as syncs:  # what happens on a real card it cannot count
            found = train_step(there, optimizers[1], batch, config, step)
        assert is_real(card) or syncs == ["get"]
        norms = [terms.pop("norm") for terms in (found, expected)]
        assert step or norms[0] == pytest.approx(norms[1], rel=SAME_NORM)  # later it follows every rounding
        assert found == pytest.approx(expected, rel=SAME_LOSS, abs=SAME_LOSS)
        losses.append(found["loss"])
        if step in (2, steps_of(case, card) - 1):
            gc.collect()
            used.append(pool.used_bytes())
    assert used[0] == used[1]
    assert abs(losses[-2] - losses[0]) > 0.002 * losses[0], "the same batch, and nothing was learned"


@pytest.mark.parametrize("name", ["ssd-tiny", "unet"])
def test_a_batch_in_parts_waits_once_too(name, strict):
    (model,) = models_on(CASES[name], "cuda")
    config = TrainConfig(batch_size=2, accumulate=2, augmentation="none")
    with count_syncs() as syncs:
        train_step(model, SGD(model.params, 1e-4), batch_for(model), config, 0)
    assert syncs == ["get"]


@every
def test_answers_come_over_in_one_piece(case, card):
    cpu, there = models_on(case, "cpu", "cuda", dtype="float64")  # in which equal scores come in the same order
    images, task = batch_for(cpu).images, task_of(cpu)
    expected = task.answers(cpu, images)
    with there.inference():
        images = to_device(images, "cuda")
        with count_syncs() as syncs:  # what happens on a real card it cannot count
            found = task.answers(there, images)
    assert is_real(card) or syncs == ["get"]
    for ours, theirs in zip(found, expected, strict=True):
        for one, other in zip(arrays_in(ours), arrays_in(theirs), strict=True):
            assert isinstance(one, np.ndarray | float)
            np.testing.assert_allclose(one, other, rtol=0, atol=1 if cpu.task == "segment" else 1e-6)  # a mask: uint8


@pytest.mark.parametrize("case", DETECTORS.values(), ids=DETECTORS)
def test_batches_are_the_same_for_the_same_seed(case, card):
    """What is drawn for the augmentation, and what a detector makes of the objects, does not depend on the device."""
    batches = []
    for model in models_on(case, "cpu", "cuda"):
        preparation = task_of(model).preparation(model, PRESETS["ssd"])
        data = ShapesDataset(4, size=100)
        batches.append(list(Loader(data, preparation, 2, seed=3, workers=0).epoch(1)))
    for ours, theirs in zip(*batches, strict=True):
        assert ours.ids == theirs.ids
        for one, other in zip((ours.images, *ours.targets), (theirs.images, *theirs.targets), strict=True):
            assert isinstance(one, np.ndarray)
            np.testing.assert_array_equal(one, other)
