"""A classifier: layers one after the other, the last of which puts out a logit for each class."""

from minissd.layers import Sequential
from minissd.models.network import Network
from minissd.ops import cross_entropy, cross_entropy_backward, softmax


class Classifier(Network):
    """images (N, S, S, C) -> logits (N, classes).

    layers: dict name -> Layer, whose last output is (N, classes).  reading: as for `Network`.
    """

    task = "classify"

    def __init__(self, name, classes, *, layers, **reading):
        super().__init__(name, classes, **reading)
        self.body = Sequential(**layers)
        self.params.update(self.body.params)
        self.buffers.update(self.body.buffers)

    def forward(self, images, train=False, rng=None):
        return self.body.forward(self.normalize(images), train, rng)

    def infer(self, images):
        return self.body.infer(self.normalize(images))

    def backward(self, dy, cache, need_dx=True, *, spend=False):
        """dy: d_logits (N, classes) -> d_images (N, S, S, C) or None, grads."""
        return self.body.backward(dy, cache, need_dx, spend=spend)

    def trace(self, images, train=False, rng=None):
        yield from self.body.trace(self.normalize(images), train, rng)

    def loss_size(self, labels):
        return len(labels)

    def loss(self, logits, labels, size=None):
        """Mean cross-entropy over `size` images, those of the batch unless given."""
        loss, cache = cross_entropy(logits, labels, reduction="sum")
        scale = 1 / (size or len(labels))
        return {"loss": loss * scale}, (cache, scale)

    def loss_backward(self, cache):
        cross_entropy_cache, scale = cache
        return cross_entropy_backward(cross_entropy_cache, scale)

    def classify(self, images):
        """images as for `forward` -> probabilities (N, classes), on the model's device."""
        return softmax(self.infer(images))
