"""Runs that go astray: a loss that is not finite, where it began; and one that is lost again after it was low."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from minissd.device import array_module, to_device
from minissd.errors import MinissdError

STEPS, RISE, BACK = 50, 2.0, 0.75  # of `Divergence`


class NotFinite(MinissdError):
    """The run has gone astray: its parameters are no work to keep."""


class Divergence:
    """Looks at the records of a run, one after the other, whether it diverges.

    What counts is the mean loss of STEPS steps.  A run diverges that has lost what it had learned: this mean is RISE
    times as large as it once was, and back at a share of at least BACK of what it began with.
    """

    def __init__(self, records: Iterable[dict[str, Any]] = ()):
        self.losses: deque[float] = deque(maxlen=STEPS)
        self.began, self.lowest, self.lowest_at = 0.0, np.inf, 0  # means, and the step of the lowest
        for record in records:
            self.look_at(record)

    def look_at(self, record: dict[str, Any]) -> None:
        """NotFinite if the run diverges; records without a loss, those of validations, are passed over."""
        if "loss" not in record:
            return
        self.losses.append(record["loss"])
        if len(self.losses) < STEPS:
            return
        mean = sum(self.losses) / STEPS
        self.began = self.began or mean
        if mean < self.lowest:
            self.lowest, self.lowest_at = mean, record["step"]
        if mean > RISE * self.lowest and mean > BACK * self.began:
            step, norm, rate = record["step"], record.get("norm", np.nan), record["lr"]
            raise NotFinite(
                f"the run diverges: the mean loss of {STEPS} steps, {self.lowest:.3g} at step {self.lowest_at}, is "
                f"{mean:.3g} at step {step}, where the norm of the gradient is {norm:.3g} and the rate {rate:.3g}: "
                f"checkpoints saved before stay as they are; try --lr {rate / 3:.1g}"
            )


def raise_not_finite(step, model, parts, processes):
    """NotFinite with the step, the first parameter or layer that is not finite, and the images of the batch.

    parts: the batch, or the share of it that this one of the `processes` has, in the pieces that `model` can take.
    """
    faults = (_first_fault(model, to_device(part.images, model.device)) for part in parts)
    fault = next((fault for fault in faults if fault), None)
    shares = processes.gather((fault, ", ".join(image_id for part in parts for image_id in part.ids)))
    everywhere = "the network's outputs are finite, so it comes from the targets", ", ".join(ids for _, ids in shares)
    fault, ids = next((share for share in shares if share[0]), everywhere)
    raise NotFinite(
        f"the loss is not finite at step {step}: {fault}; images {ids}: "
        "checkpoints saved before stay as they are; try a lower --lr, or look at these images"
    )


def _first_fault(model, images):
    """The first parameter or layer output that is not finite, in words; None if all are finite."""
    isfinite = array_module(images).isfinite
    for name, array in model.params.items():
        if not isfinite(array).all():
            return f"{name} is not finite"
    # As in training, for the failed step has spoilt the running statistics; any dropout will do.
    for name, output in model.trace(images, train=True, rng=np.random.default_rng(0)):
        if not isfinite(output).all():
            return f"the first output that is not finite is that of {name}"
    return None
