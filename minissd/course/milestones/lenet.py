"""A LeNet of the student's own on MNIST: two convolutions with pooling, two fully connected layers."""

from typing import ClassVar

import numpy as np
from PIL import Image

from minissd.course.milestones.base import Milestone, Size, add_to, random_layers, stage, stage_backward
from minissd.data.mnist import Mnist
from minissd.viz.tiles import tile, tile_sheet

WIDTHS = {"conv1": (5, 5, 1, 6), "conv2": (5, 5, 6, 16), "dense1": (256, 64), "dense2": (64, 10)}


class OwnLenet(Milestone):
    number = 4
    title = "your own LeNet"
    measure = "share of new digits read correctly"
    needs_digits = True
    full = Size(images=2000, held_out=500, epochs=3, figure=0.9)
    quick = Size(images=160, held_out=100, epochs=2, figure=0.2)
    peak = 0.03
    uses: ClassVar = (
        *("normalize_pixels", "flatten_images", "softmax_rows", "cross_entropy_loss", "conv_as_product", "im2col"),
        *("linear_gradient", "conv2d_gradient", "col2im", "cross_entropy_gradient", "relu_gradient"),
        *("max_pool", "max_pool_gradient"),
    )

    def __init__(self, own, size, digits=None):
        super().__init__(own, size)
        known, unknown = Mnist(digits, "train", limit=size.images), Mnist(digits, "test", limit=size.held_out)
        self.images, self.targets = self._numbers(known.images), known.labels
        self.pixels, self.unknown, self.labels = unknown.images, self._numbers(unknown.images), unknown.labels

    def _numbers(self, pixels):
        return self.own["normalize_pixels"](pixels, np.array([33.0]), 1 / 79)

    def initial(self):
        return random_layers(WIDTHS)

    def forward(self, params, images):
        layers, x, caches = self.own.operations, images, []
        for name in ("conv1", "conv2"):
            x, cache = stage(layers, x, params[f"{name}.w"], params[f"{name}.b"], pad=0)
            caches.append(cache)
        shape, x = x.shape, self.own["flatten_images"](x)
        x, dense1 = layers["linear"](x, params["dense1.w"], params["dense1.b"])
        x, bend = layers["relu"](x)
        logits, dense2 = layers["linear"](x, params["dense2.w"], params["dense2.b"])
        return logits, (caches, shape, dense1, bend, dense2)

    def add_gradients(self, params, images, targets, gradients):
        layers, (logits, (caches, shape, dense1, bend, dense2)) = self.own.operations, self.forward(params, images)
        loss = self.own["cross_entropy_loss"](logits, targets)
        dx, *d_weights = layers["linear_backward"](self.own["cross_entropy_gradient"](logits, targets), dense2)
        add_to(gradients, "dense2", *d_weights)
        dx, *d_weights = layers["linear_backward"](layers["relu_backward"](dx, bend), dense1)
        add_to(gradients, "dense1", *d_weights)
        dx = dx.reshape(shape)
        for name, cache in zip(("conv2", "conv1"), reversed(caches), strict=True):
            dx, *d_weights = stage_backward(layers, dx, cache)
            add_to(gradients, name, *d_weights)
        return loss

    def score(self, params):
        return float((self.forward(params, self.unknown)[0].argmax(axis=1) == self.labels).mean())

    def picture(self, params):
        """The first digits held out, with what the network reads and how sure it is."""
        chances = self.own["softmax_rows"](self.forward(params, self.unknown[:24])[0])
        captions = [f"{chance.argmax()}, {chance.max():.0%}" for chance in chances]
        colours = [np.repeat(pixels, 3, axis=2) for pixels in self.pixels[:24]]
        tiles = [(tile(Image.fromarray(one)), text) for one, text in zip(colours, captions, strict=True)]
        return tile_sheet([tiles[start : start + 8] for start in range(0, len(tiles), 8)])
