"""What the milestones share: data, a recipe, and a training run whose every part is the student's where it can be."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np
from PIL import Image

from minissd.course.own import Own
from minissd.device import Array

Params = dict[str, Array]
Report = Callable[[int, int, float], None]  # step from 1, steps in all, loss


class Size(NamedTuple):
    """How much of it there is: images to learn from and to be held against, epochs, and the score to reach."""

    images: int
    held_out: int
    epochs: int
    figure: float


class Diverged(Exception):
    """The loss is no number any more."""


class Milestone:
    """A network made of the student's functions, trained on `images` and `targets`."""

    number: ClassVar[int]  # of the lesson it follows
    title: ClassVar[str]
    measure: ClassVar[str]  # what `score` is
    full: ClassVar[Size]
    quick: ClassVar[Size]
    uses: ClassVar[tuple[str, ...]]  # exercises, those of later lessons left out
    needs_digits: ClassVar[bool] = False  # MNIST, whose folder its constructor takes
    batch_size: ClassVar[int] = 16
    peak: ClassVar[float] = 0.02
    momentum, weight_decay = 0.9, 0.0005

    images: Array
    targets: Any

    def __init__(self, own: Own, size: Size):
        self.own, self.size = own, size

    def initial(self) -> Params:
        raise NotImplementedError

    def add_gradients(self, params: Params, images: Array, targets: Array, gradients: Params) -> float:
        raise NotImplementedError

    def score(self, params: Params) -> float:
        """On images that the network has not seen."""
        raise NotImplementedError

    def picture(self, params: Params) -> Image.Image:
        raise NotImplementedError

    def train(self, report: Report | None = None, epochs: int | None = None) -> tuple[Params, list[float]]:
        """(params, losses); `Diverged` when a loss is no number."""
        own, epochs = self.own, epochs or self.size.epochs
        total, step = epochs * -(-len(self.images) // self.batch_size), 0

        def add_gradients(params, images, targets, gradients):
            nonlocal step
            loss = float(self.add_gradients(params, images, targets, gradients))
            step += 1
            if not np.isfinite(loss):
                raise Diverged(f"the loss of step {step} is {loss}")
            if report:
                report(step, total, loss)
            return loss

        def rate(step, total):
            return own["one_cycle"](step, total, self.peak, total // 5)

        update = partial(_update, own, self.momentum, self.weight_decay)
        arguments = self.initial(), self.images, self.targets, add_gradients, update, rate
        return own["training_loop"](*arguments, epochs, self.batch_size, np.random.default_rng(1))


def _update(own, momentum, weight_decay, p, v, g, lr):
    return own["sgd_step"](p, v, g, lr, momentum, weight_decay)


def random_weights(rng: np.random.Generator, *shape: int) -> Array:
    """He et al. 2015, equation 10: as large as keeps the size of what a ReLU lets through."""
    return rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)


def random_layers(shapes: dict[str, tuple[int, ...]]) -> Params:
    """The first weights NAME.w of each shape, and as NAME.b biases of 0."""
    rng = np.random.default_rng(0)
    params: Params = {}
    for name, shape in shapes.items():
        params |= {f"{name}.w": random_weights(rng, *shape), f"{name}.b": np.zeros(shape[-1])}
    return params


def stage(operations: dict[str, Callable], x: Array, w: Array, b: Array, pad: int = 1) -> tuple[Array, tuple]:
    """Convolution, ReLU, 2x2 max pooling: x (N, H, W, C) -> (N, H/2, W/2, D), caches."""
    x, conv = operations["conv2d"](x, w, b, pad=pad)
    x, bend = operations["relu"](x)
    x, pool = operations["max_pool2d"](x, 2)
    return x, (conv, bend, pool)


def stage_backward(operations: dict[str, Callable], dy: Array, caches: tuple) -> tuple[Array, Array, Array]:
    """dx, dw, db."""
    conv, bend, pool = caches
    d_bend = operations["relu_backward"](operations["max_pool2d_backward"](dy, pool), bend)
    return operations["conv2d_backward"](d_bend, conv)


def add_to(gradients: Params, name: str, dw: Array, db: Array) -> None:
    gradients[f"{name}.w"] += dw
    gradients[f"{name}.b"] += db
