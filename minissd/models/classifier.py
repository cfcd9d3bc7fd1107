"""Networks of layers one after the other; and a classifier, whose last layer outputs a logit for each class."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minissd.device import Array
from minissd.engine import cross_entropy, cross_entropy_backward, softmax
from minissd.layers import Layer, Sequential
from minissd.models.network import Network


class Feedforward(Network):
    """layers: dict name -> Layer, each of which reads what the one before it outputs.  reading: as for `Network`."""

    def __init__(self, name: str, classes: Sequence[str], *, layers: dict[str, Layer], **reading: Any):
        super().__init__(name, classes, **reading)
        self.body = Sequential(**layers)
        self.adopt(**layers)

    def forward(self, images: Any, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        return self.body.forward(self.normalize(images), train, rng)

    @property
    def trunk(self) -> tuple[str, ...]:
        return tuple(self.children)[:-1]

    def path(self) -> tuple[Sequential, ...]:
        return (self.body,)

    def inferring(self) -> tuple[Layer, ...]:
        return (self.body,)

    def infer(self, images: Any) -> Any:
        return self.body.infer(self.normalize(images))

    def backward(self, dy: Any, cache: Any, need_dx: bool = True, *, spend: bool = False) -> tuple[Any, dict[str, Any]]:
        """dy, of the last output -> d_images (N, S, S, C) or None, grads."""
        return self.body.backward(dy, cache, need_dx, spend=spend)

    def trace(
        self, images: Any, train: bool = False, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[str, Array]]:
        yield from self.body.trace(self.normalize(images), train, rng)


class Classifier(Feedforward):
    """images (N, S, S, C) -> logits (N, classes).  layers: the last output of which is (N, classes)."""

    task = "classify"

    def class_of_outputs(self, name: str, classes: int, outputs: int) -> np.ndarray | None:
        last = list(self.children)[-1]
        return np.arange(classes) if name.startswith(f"{last}.") and outputs == classes else None

    def loss_size(self, labels: Array) -> int:
        return len(labels)

    def loss(self, logits: Array, labels: Array, size: int | None = None) -> tuple[dict[str, Any], Any]:
        """Mean cross-entropy over `size` images, those of the batch unless given."""
        loss, cache = cross_entropy(logits, labels, reduction="sum")
        scale = 1 / (size or len(labels))
        return {"loss": loss * scale}, (cache, scale)

    def loss_backward(self, cache: Any) -> Any:
        cross_entropy_cache, scale = cache
        return cross_entropy_backward(cross_entropy_cache, scale)

    def classify(self, images: Any) -> Array:
        """images as for `forward` -> probabilities (N, classes), on the model's device."""
        return softmax(self.infer(images))
