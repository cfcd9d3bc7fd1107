"""When a loss is not finite: find out where it began, to say so in one line."""

from minissd.errors import MinissdError


def raise_not_finite(step, model, images, ids, xp):
    """MinissdError with the step, the first layer whose output is not finite, and the images of the batch."""
    raise MinissdError(
        f"the loss is not finite at step {step}: {_first_fault(model, images, xp)}; images {', '.join(ids)}: "
        "the last checkpoint is kept; try a lower --lr, or look at these images"
    )


def _first_fault(model, images, xp):
    """The first parameter or layer output that is not finite, in words."""
    for name, array in (model.params | model.buffers).items():
        if not bool(xp.isfinite(array).all()):
            return f"{name} is not finite"
    for name, output in model.trace(images):
        if not bool(xp.isfinite(output).all()):
            return f"first in the output of {name}"
    return "the network's outputs are finite, so it comes from the targets"
