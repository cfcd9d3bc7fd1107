"""When the memory of the card does not suffice: how many images at a time would fit, found out by trying.

What a step needs cannot be told from the shapes alone: the pool has gaps, cuBLAS has work space of its own, other
programs have their share.  A try takes all that into account.
"""

import math
from contextlib import contextmanager
from dataclasses import replace
from traceback import clear_frames

import numpy as np

from minissd.backend import free_card_memory, ran_out_of_card_memory, to_device
from minissd.data import Batch
from minissd.errors import MinissdError

NOTHING_FITS = (
    "not even one image would fit: close what else runs on the card (nvidia-smi lists it), choose a smaller "
    "--input-size or --model, or --device cpu"
)


@contextmanager
def says_what_fits(count, attempt, advice):
    """Within the block, an error of the card's memory becomes a MinissdError that says how many images fit.

    count: images at a time in the block; attempt(n): the same work with n of them; advice(n): what to do, in words.
    """
    try:
        yield
        return
    except (MemoryError, RuntimeError) as error:
        if not ran_out_of_card_memory(error):
            raise
        clear_frames(error.__traceback__)  # they hold the arrays of the work that failed
    fitting = _most_that_fit(attempt, count)
    found = f"of {count} images at a time {fitting} would fit: {advice(fitting)}" if fitting else NOTHING_FITS
    raise MinissdError(f"the memory of the card does not suffice: {found}") from None


def _most_that_fit(attempt, count):
    """The most images, below `count`, for which attempt(n) runs through; 0 if there are none."""
    fits, too_many = 0, count
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if _fits(attempt, middle):
            fits = middle
        else:
            too_many = middle
    return fits


def _fits(attempt, count):
    free_card_memory()
    try:
        attempt(count)
    except (MemoryError, RuntimeError) as error:
        if not ran_out_of_card_memory(error):
            raise
        clear_frames(error.__traceback__)
        return False
    return True


def answers_that_fit(answer, model, images):
    """answer(images) with images (N, ...) of the host moved to where the model is, in `says_what_fits`."""

    def of_the_first(count):
        return answer(to_device(images[:count], model.device))

    with says_what_fits(len(images), of_the_first, "--batch-size {}".format):
        return of_the_first(len(images))


def step_that_says_what_fits(step, batch, config):
    """`says_what_fits` for a training step: step(optimizer, batch, config) does one.

    A try is worked off in two parts, as --accumulate does it, with the gradients of the first beside those of the
    second: whatever fits so, fits as a --batch-size too.
    """
    whole = len(batch.ids)

    def attempt(count):
        images = np.arange(2 * count) % whole
        parts = (batch.images[images], tuple(target[images] for target in batch.targets))
        step(_NoUpdate(), Batch(tuple(batch.ids[i] for i in images), *parts), replace(config, accumulate=2))

    def advice(count):
        return f"--batch-size {count}, or --accumulate {math.ceil(whole / count)} for a batch of {whole}"

    return says_what_fits(math.ceil(whole / config.accumulate), attempt, advice)


class _NoUpdate:
    """In the place of an optimiser: a try leaves the parameters alone."""

    def step(self, grads):
        pass
