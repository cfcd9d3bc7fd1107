"""A U-Net of the student's own: which pixels of a 24-pixel picture belong to a shape?"""

from typing import ClassVar

import numpy as np
from PIL import Image

from minissd import ops
from minissd.course.milestones.base import Milestone, Size, add_to, random_layers
from minissd.data import ShapesDataset
from minissd.data.augmentation import MEAN_COLOR
from minissd.viz.tiles import tile, tile_sheet

SIDE, CLASSES = 24, ("cross", "ellipse")
WIDTHS = {"down": (3, 3, 3, 12), "deep": (3, 3, 12, 24), "up": (3, 3, 36, 12), "mask": (1, 1, 12, 1)}


class OwnUnet(Milestone):
    number = 7
    title = "your own U-Net"
    measure = "IoU of the shapes' pixels, on pictures it has never seen"
    full = Size(images=200, held_out=60, epochs=6, figure=0.8)
    quick = Size(images=32, held_out=16, epochs=3, figure=0.2)
    batch_size = 8
    peak = 0.1
    uses: ClassVar = (
        *("conv_as_product", "im2col", "conv2d_gradient", "col2im", "relu_gradient", "max_pool", "max_pool_gradient"),
        *("upsample_gradient", "skip_gradient", "mask_gradient", "mask_scores"),
    )

    def __init__(self, own, size):
        super().__init__(own, size)
        self.images, self.targets, _ = _pictures("train", size.images)
        self.unknown, self.masks, self.pixels = _pictures("test", size.held_out)

    def initial(self):
        return random_layers(WIDTHS)

    def forward(self, params, images):
        """logits (N, H, W), caches.  down -> (pooled) deep -> (as large again, joined to down) up -> mask"""
        layers, caches = self.own.operations, {}

        def convolution(name, x):
            pad = WIDTHS[name][0] // 2
            y, caches[name] = layers["conv2d"](x, params[f"{name}.w"], params[f"{name}.b"], pad=pad)
            return y

        def bent(name, x):
            y, caches[f"{name} relu"] = layers["relu"](convolution(name, x))
            return y

        fine = bent("down", images)
        coarse, caches["pool"] = layers["max_pool2d"](fine, 2)
        coarse = bent("deep", coarse)
        wide, caches["upsample"] = layers["upsample2d"](coarse, 2)
        joined, caches["skip"] = layers["concatenate"](fine, wide)
        return convolution("mask", bent("up", joined))[..., 0], caches

    def add_gradients(self, params, images, targets, gradients):
        layers, (logits, caches) = self.own.operations, self.forward(params, images)

        def back(name, dy):
            dx, *d_weights = layers["conv2d_backward"](dy, caches[name])
            add_to(gradients, name, *d_weights)
            return dx

        def bent_back(name, dy):
            return back(name, layers["relu_backward"](dy, caches[f"{name} relu"]))

        rows = logits.reshape(-1, SIDE), targets.reshape(-1, SIDE)  # all pictures as one that is very high
        d_logits = self.own["mask_gradient"](*rows).reshape(*logits.shape, 1)
        d_joined = bent_back("up", back("mask", d_logits))
        d_fine, d_wide = layers["concatenate_backward"](d_joined, caches["skip"])
        d_coarse = bent_back("deep", layers["upsample2d_backward"](d_wide, caches["upsample"]))
        bent_back("down", d_fine + layers["max_pool2d_backward"](d_coarse, caches["pool"]))  # read twice
        return ops.binary_cross_entropy(logits, targets.astype(float))[0]

    def found(self, params):
        return (self.forward(params, self.unknown)[0] > 0).astype(np.uint8)

    def score(self, params):
        rows = self.found(params).reshape(-1, SIDE), self.masks.reshape(-1, SIDE)
        return float(self.own["mask_scores"](*rows)[0])

    def picture(self, params):
        """Pictures held out, what was found, and what is there."""
        found = self.found(params)[:6]
        lines = (self.pixels, "picture"), (_as_picture(found), "found"), (_as_picture(self.masks), "true")
        return tile_sheet([[(tile(Image.fromarray(one)), text) for one in pictures[:6]] for pictures, text in lines])


def _pictures(split, count):
    """Numbers around 0 (N, H, W, 3), masks (N, H, W) of 0 and 1, and the pictures themselves."""
    data = ShapesDataset(count, split, SIDE, classes=CLASSES, sides=(0.3, 0.6))
    scenes = [data.scene(index) for index in range(count)]
    pictures = np.array([scene.picture for scene in scenes])
    masks = np.array([scene.owner > 0 for scene in scenes]).astype(np.uint8)
    return (pictures - np.array(MEAN_COLOR)) / 64, masks, pictures


def _as_picture(masks):
    return np.repeat(masks[..., None] * np.uint8(255), 3, axis=3)
