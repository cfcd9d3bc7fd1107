"""Loss scaling, for matrix products in float16 (Micikevicius et al., "Mixed Precision Training", section 3.2).

float16 ends at 6e-8, and many gradients are smaller.  So the gradient of the loss starts `scale` times as large, and
with it all that follows; before the update it is divided by `scale`.  Which scale is right shows itself: where
gradients overflow, the step is left out and the scale halved; after a long time without, it is doubled.
"""

from minissd.device import array_module, to_numpy
from minissd.engine.cuda import on_card
from minissd.training.finite import NotFinite

GROW_AFTER = 2000  # good steps
LEAST = 2.0**-14  # below that it is no longer the scale that makes them overflow


class LossScale:
    """scale: a power of two, so that it changes no digit; good_steps: those since it last changed."""

    def __init__(self, scale=2.0**16, good_steps=0):
        self.scale, self.good_steps = scale, good_steps

    @property
    def state(self):
        """What a checkpoint has to keep."""
        return {"scale": self.scale, "good_steps": self.good_steps}

    def magnify(self, gradients):
        """Gradients of the outputs, an array or a tuple of them, times scale, before they go backward."""
        return tuple(g * self.scale for g in gradients) if isinstance(gradients, tuple) else gradients * self.scale

    def watch(self, gradients, loss):
        """What the host has to read with the loss: whether all gradients of the parameters are finite, 1 or 0.

        It lies where the loss lies: that of several processes is in host memory already, which costs a second wait.
        """
        finite = all_finite(gradients)
        return [finite if on_card(loss) else to_numpy(finite)]

    def settle(self, finite, gradients, step):
        """(whether to take step number `step`, what to log): `finite` is what `watch` said, read.

        The gradients, name -> array, are divided by scale, in place; the scale of the next step is chosen.
        """
        used = {"loss_scale": self.scale}
        if finite[0]:
            for gradient in gradients.values():
                gradient *= 1 / self.scale
            self.good_steps += 1
            if self.good_steps == GROW_AFTER:
                self.scale, self.good_steps = self.scale * 2, 0
            return True, used
        self.scale, self.good_steps = self.scale / 2, 0
        if self.scale < LEAST:
            raise NotFinite(
                f"the gradients are not finite at step {step}, however little the loss is scaled: checkpoints "
                "saved before stay as they are; try --precision tf32 or a lower --lr"
            )
        return False, used


class Unscaled:
    """For numbers that reach far enough: nothing is scaled, every step is taken."""

    state = None

    def magnify(self, gradients):
        return gradients

    def watch(self, gradients, loss):
        return []

    def settle(self, finite, gradients, step):
        return True, {}


UNSCALED = Unscaled()


def loss_scale_for(precision, state=None):
    """Of a run in this precision, from its start or from the `state` that a checkpoint kept."""
    return LossScale(**(state or {})) if precision == "fp16" else UNSCALED


def all_finite(gradients):
    """A 0-d array, 1 if no number of all these gradients is infinite or NaN, else 0; it stays on its device."""
    arrays = list(gradients.values())
    xp = array_module(*arrays)
    return xp.stack([xp.isfinite(array).all() for array in arrays]).all().astype(arrays[0].dtype)
