"""Stochastic gradient descent with momentum and weight decay; and the norm of the gradient, which can be limited."""

import math

from minissd.device import Array, array_module
from minissd.engine.cuda import on_card
from minissd.engine.cuda.elementwise import SGD_UPDATE
from minissd.training.finite import NotFinite


class SGD:
    """Changes the arrays of `params` (name -> array) in place.

        v <- momentum * v + (g + weight_decay * p)
        p <- p - lr * v

    `lr` may be set before every step.  `velocity` (same keys as params) is what a checkpoint has to keep.  `updating`
    stays True where an error left an update half done.
    bias_lr multiplies the rate of the biases (names that end in "b"), bias_decay=False spares them the decay: the
    released SSD was trained with 2 and False.  factors: name -> what the rate of a parameter is multiplied by; 1 unless
    it is named.
    """

    def __init__(
        self,
        params: dict[str, Array],
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        *,
        bias_lr: float = 1,
        bias_decay: bool = True,
        factors: dict[str, float] | None = None,
    ):
        self.params, self.lr, self.momentum, self.weight_decay = params, lr, momentum, weight_decay
        self.bias_lr, self.bias_decay, self.factors = bias_lr, bias_decay, factors or {}
        self.velocity = {name: array_module(p).zeros_like(p) for name, p in params.items()}
        self.updating = False

    def step(self, grads: dict[str, Array]) -> None:
        """One update.  grads: a gradient for every parameter; ValueError names those missing or left over."""
        if grads.keys() != self.params.keys():
            differing = ", ".join(sorted(grads.keys() ^ self.params.keys()))
            raise ValueError(f"gradients and parameters have different names; on one side only: {differing}")
        self.updating = True
        for name, p in self.params.items():
            bias = name.rpartition(".")[2] == "b"
            v = self.velocity[name]
            lr = self.lr * (self.bias_lr if bias else 1) * self.factors.get(name, 1)
            decay = self.weight_decay if self.bias_decay or not bias else 0
            if on_card(p):
                SGD_UPDATE(grads[name], lr, self.momentum, decay, v, p)
                continue
            v *= self.momentum
            v += grads[name]
            if decay:
                v += decay * p
            p -= lr * v
        self.updating = False


def gradient_norm(grads: dict[str, Array]) -> Array:
    """|g|, the length of all gradients (name -> array) taken as one vector: a 0-d array on their device."""
    xp = array_module(*grads.values())
    return xp.sqrt(sum(xp.square(g).sum() for g in grads.values()))


def clip_gradients(grads: dict[str, Array], norm: float, largest: float, step: int) -> None:
    """Where `norm` = |g| exceeds `largest`, shorten the gradients to that length, in place: g <- g largest / |g|.

    The direction stays (Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", section 3.2).
    largest: 0 for gradients of any length.  NotFinite if the norm of step number `step` is not finite.
    """
    if not math.isfinite(norm):
        raise NotFinite(
            f"the norm of the gradient is not finite at step {step}: checkpoints saved before stay as they are; try a "
            "lower --lr"
        )
    if 0 < largest < norm:
        for g in grads.values():
            g *= largest / norm
