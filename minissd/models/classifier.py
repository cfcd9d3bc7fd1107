"""Networks of layers one after the other; and a classifier, whose last layer puts out a logit for each class."""

from minissd.layers import Sequential
from minissd.models.network import Network
from minissd.ops import cross_entropy, cross_entropy_backward, softmax


class Feedforward(Network):
    """layers: dict name -> Layer, each of which reads what the one before it puts out.  reading: as for `Network`."""

    def __init__(self, name, classes, *, layers, **reading):
        super().__init__(name, classes, **reading)
        self.body = Sequential(**layers)
        self.adopt(**layers)

    def forward(self, images, train=False, rng=None):
        return self.body.forward(self.normalize(images), train, rng)

    def foldable(self):
        return (self.body,)

    def infer(self, images):
        return self.body.infer(self.normalize(images))

    def backward(self, dy, cache, need_dx=True, *, spend=False):
        """dy, of the last output -> d_images (N, S, S, C) or None, grads."""
        return self.body.backward(dy, cache, need_dx, spend=spend)

    def trace(self, images, train=False, rng=None):
        yield from self.body.trace(self.normalize(images), train, rng)


class Classifier(Feedforward):
    """images (N, S, S, C) -> logits (N, classes).  layers: the last output of which is (N, classes)."""

    task = "classify"

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
