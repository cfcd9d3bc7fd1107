"""What happens when the memory of the GPU does not suffice for a step: tries that leave no trace, and nothing else."""

import gc
from functools import partial

import numpy as np
import pytest

from minissd.data import DetectionPreparation, Loader, ShapesDataset
from minissd.training import SGD, TrainConfig, train_step
from minissd.training.memory import answers_that_fit, step_that_fits

ROOM = 8 << 20  # bytes beside the network: less than a step on twelve images takes, more than one on a single image


@pytest.fixture
def model(new_model, strict):
    gc.collect()  # what other tests have left behind would count as used
    return new_model(device="cuda")


@pytest.fixture
def batch(model):
    (found,) = Loader(ShapesDataset(12, size=64), DetectionPreparation(model.targets, 64), 12, workers=0).epoch(0)
    return found


def config(**options):
    return TrainConfig(batch_size=12, **options)


def peak(pool, work):
    """Bytes that `work` takes at most beyond those in use before."""
    pool.free_all_blocks()
    before = pool.used_bytes()
    work()
    return pool.total_bytes() - before


def test_more_parts_need_less_memory(model, batch, strict):
    optimizer = SGD(model.params, 0.01)
    peaks = {}
    for parts in (1, 2, 3, 6, 12):
        step = partial(train_step, model, optimizer, batch, config(accumulate=parts), 0)
        peaks[parts] = peak(strict.get_default_memory_pool(), step)
    assert peaks[2] > peaks[3] > peaks[6] > peaks[12]


def test_tries_change_no_parameter(model, batch, strict, refused):
    optimizer, pool = SGD(model.params, 0.01), strict.get_default_memory_pool()
    before = {name: array.copy() for name, array in (model.params | optimizer.velocity).items()}
    pool.set_limit(size=pool.used_bytes() + ROOM)
    with refused("memory of the GPU", "--batch-size"):
        attempt = partial(train_step, model, step=0)
        step_that_fits(partial(attempt, optimizer, batch, config()), attempt, batch, config())
    for name, array in (model.params | optimizer.velocity).items():
        np.testing.assert_array_equal(strict.asnumpy(array), strict.asnumpy(before[name]))


def test_nothing_is_held_by_a_step_that_failed(model, batch, strict, refused):
    """Neither by the error nor by its frames: the tries have all the room that a new run would have."""
    optimizer, pool = SGD(model.params, 0.01), strict.get_default_memory_pool()
    used, seen = pool.used_bytes(), []

    def step(*args):
        seen.append(pool.used_bytes())
        return train_step(model, *args, step=0)

    pool.set_limit(size=used + ROOM)
    with refused("memory of the GPU"):
        step_that_fits(partial(step, optimizer, batch, config()), step, batch, config())
    assert len(seen) > 2 and set(seen) == {used}


WORDS = [
    "cudaErrorMemoryAllocation: out of memory",
    "CUDA_ERROR_OUT_OF_MEMORY: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
]


@pytest.mark.parametrize("words", WORDS)
def test_cuda_itself_says_it_in_other_words(words, model, batch, refused):
    def answer(images):
        if len(images) > 7:
            raise RuntimeError(words)
        return list(images)

    with refused("of 12 images at a time 7 would fit: --batch-size 7"):
        answers_that_fit(answer, model, batch.images)


@pytest.mark.parametrize("error", [RuntimeError("a mistake"), MemoryError("of the host"), ValueError("no")])
def test_other_errors_pass(error, model, batch):
    def answer(images):
        raise error

    with pytest.raises(type(error)) as raised:
        answers_that_fit(answer, model, batch.images)
    assert raised.value is error
