"""When the memory of the GPU does not suffice: how many images at a time would fit, found out by trying.

What a step needs cannot be told from the shapes alone: the pool has gaps, cuBLAS has work space of its own, other
programs have their share.  A try takes all that into account.
"""

import math
from dataclasses import replace
from functools import partial

import numpy as np

from minissd.data import Batch
from minissd.device import free_card_memory, ran_out_of_card_memory, to_device
from minissd.errors import MinissdError

NOTHING_FITS = (
    "not even one image would fit: close what else runs on the GPU (nvidia-smi lists it), choose a smaller "
    "--input-size or --model, or --device cpu"
)


def answers_that_fit(answer, model, images):
    """answer(images) with images (N, ...) of the host moved to where the model is; MinissdError if they do not fit."""
    whole = len(images)

    def of_the_first(count):
        return answer(to_device(images[:count], model.device))

    def two_batches(count):  # the second finds filters in memory that the first has transformed and kept
        of_the_first(count)
        of_the_first(count)

    def what_fits():
        most = _most_that_fit(two_batches, whole)
        return f"of {whole} images at a time {most} would fit: --batch-size {most}" if most else NOTHING_FITS

    return _or_what_fits(partial(of_the_first, whole), what_fits)


def step_that_fits(run, attempt_step, batch, config):
    """run(), which is a training step on `batch`; MinissdError if it does not fit.

    attempt_step(optimizer, batch, config): such a step, of this process alone, to try out smaller batches.

    A part of a batch needs more room than a batch of that size, for the gradients of the parts before it are kept: so
    for --accumulate it is found anew.
    """
    whole = len(batch.ids)
    at_once = math.ceil(whole / config.accumulate)

    def attempt(count, parts=1):
        images = np.arange(parts * count) % whole
        ids, targets = tuple(batch.ids[i] for i in images), tuple(target[images] for target in batch.targets)
        attempt_step(_NoUpdate(), Batch(ids, batch.images[images], targets), replace(config, accumulate=parts))

    def what_fits():
        most = _most_that_fit(attempt, at_once + (config.accumulate > 1))
        if most == 0:
            return NOTHING_FITS
        in_parts = _most_that_fit(partial(attempt, parts=2), at_once)
        or_else = f", or --accumulate {math.ceil(whole / in_parts)} for a batch of {whole}" if in_parts else ""
        return f"of {at_once} images at a time {most} would fit: --batch-size {most}{or_else}"

    return _or_what_fits(run, what_fits)


class _NoUpdate:
    """In the place of an optimiser: a try leaves the parameters alone."""

    def step(self, grads):
        pass


def _or_what_fits(work, what_fits):
    """work(), or if the memory of the GPU does not suffice for it, a MinissdError that ends with what_fits()."""
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if not ran_out_of_card_memory(error):
            raise
    # only here, behind the block, the error is gone, and with it its frames, which hold the arrays of the work
    raise MinissdError(f"the memory of the GPU does not suffice: {what_fits()}")


def _most_that_fit(attempt, too_many):
    """The most images, below `too_many`, for which attempt(n) runs through; 0 if there are none."""
    fits = 0
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
        return False
    return True
