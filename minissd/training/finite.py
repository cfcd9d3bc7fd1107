"""When a loss is not finite: find out where it began, to say so in one line."""

import numpy as np

from minissd.device import array_module, to_device
from minissd.errors import MinissdError


class NotFinite(MinissdError):
    """The run has gone astray: its parameters are no work to keep."""


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
