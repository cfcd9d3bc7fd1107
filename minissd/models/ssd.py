"""The Single Shot MultiBox Detector: a trunk of stages, and on the map each stage ends with, a small head.

N batch, S input size, H W a map's size, k default boxes in each of its cells, C classes (0 = background inside),
P default boxes on all maps together (SSD notes, "Convolutional predictors for detection").

    images -> stage 0 -> stage 1 -> ... -> stage L-1
                 |          |                 |
              head 0     head 1           head L-1      each: offsets (N, H*W*k, 4), logits (N, H*W*k, C+1)

A map is read twice, by its head and by the next stage, so in the backward pass two gradients meet there and add up.
"""

import numpy as np

from minissd.backend import array_module, to_device
from minissd.detection import default_boxes, detections_from
from minissd.layers import Conv2d, Layer, prefixed


class Head(Layer):
    """Two 3x3 convolutions that read a map: k * 4 offsets and k * (C + 1) logits for every cell."""

    def __init__(self, channels, boxes_per_cell, class_count, *, init):
        super().__init__()
        self.outputs = class_count + 1
        options = {"init": init, "pad": 1, "filler": "xavier"}
        self.offsets = Conv2d(channels, boxes_per_cell * 4, 3, **options)
        self.logits = Conv2d(channels, boxes_per_cell * self.outputs, 3, **options)
        self.adopt(offsets=self.offsets, logits=self.logits)

    def forward(self, x, train=False, rng=None):
        """x (N, H, W, D) -> (offsets (N, H*W*k, 4), logits (N, H*W*k, C+1)), caches.

        NHWC makes this a plain reshape: the k boxes of a cell lie next to each other on the channel axis.
        """
        offsets, offsets_cache = self.offsets.forward(x)
        logits, logits_cache = self.logits.forward(x)
        n = len(x)
        shapes = offsets.shape, logits.shape
        return (offsets.reshape(n, -1, 4), logits.reshape(n, -1, self.outputs)), (offsets_cache, logits_cache, shapes)

    def backward(self, dy, cache, need_dx=True):
        d_offsets, d_logits = dy
        offsets_cache, logits_cache, (offsets_shape, logits_shape) = cache
        dx, grads = self.offsets.backward(d_offsets.reshape(offsets_shape), offsets_cache)
        dx_logits, logits_grads = self.logits.backward(d_logits.reshape(logits_shape), logits_cache)
        dx += dx_logits  # both convolutions read the same map
        return dx, prefixed("offsets", grads) | prefixed("logits", logits_grads)


class SSD(Layer):
    """Stages and heads wired together.

    stages: dict name -> Layer; the trunk in pieces, each ending with a map to detect on.
    heads: one Layer a stage.  spec: the default boxes' specification, one map a stage.
    pixel_mean (3,), pixel_scale: an RGB image x becomes (x - mean) * scale.
    """

    def __init__(self, name, classes, *, stages, heads, spec, input_size, init, pixel_mean, pixel_scale):
        super().__init__()
        self.name, self.classes, self.input_size, self.spec = name, tuple(classes), input_size, spec
        self.stages, self.heads = stages, heads
        self.dtype, self.device = init.dtype, init.device
        self.default_boxes = to_device(default_boxes(spec).astype(init.dtype), init.device)  # (P, 4) centers
        self.pixel_mean = to_device(np.asarray(pixel_mean, dtype=init.dtype), init.device)
        self.pixel_scale = pixel_scale
        self.adopt(**stages, **{f"head{i}": head for i, head in enumerate(heads)})

    def forward(self, images, train=False, rng=None):
        """images (N, S, S, 3), uint8 RGB or normalised -> (offsets (N, P, 4), logits (N, P, C+1)), caches."""
        xp = array_module(images)
        x = self.normalize(images)
        outputs, caches = [], []
        for stage, head in zip(self.stages.values(), self.heads, strict=True):
            x, stage_cache = stage.forward(x, train, rng)
            output, head_cache = head.forward(x, train, rng)
            outputs.append(output)
            caches.append((stage_cache, head_cache))
        offsets, logits = (xp.concatenate(parts, axis=1) for parts in zip(*outputs, strict=True))
        return (offsets, logits), caches

    def backward(self, dy, caches, need_dx=True):
        """dy = (d_offsets (N, P, 4), d_logits (N, P, C+1)) -> d_images (N, S, S, 3) or None, grads."""
        d_offsets, d_logits = dy
        grads = {}
        d_map = None  # what flows back along the trunk
        for i, (name, stage) in reversed(list(enumerate(self.stages.items()))):
            stage_cache, head_cache = caches[i]
            part = self.spec.slices[i]  # the boxes of this map
            d_head, head_grads = self.heads[i].backward((d_offsets[:, part], d_logits[:, part]), head_cache)
            d_map = d_head if d_map is None else d_map + d_head  # the map fed its head and the next stage
            d_map, stage_grads = stage.backward(d_map, stage_cache, need_dx=need_dx or i > 0)
            grads |= prefixed(f"head{i}", head_grads) | prefixed(name, stage_grads)
        return d_map, grads

    def normalize(self, images):
        """Images in the model's dtype: uint8 RGB x -> (x - mean) * scale; floats are taken as normalised already."""
        s = self.input_size
        if images.ndim != 4 or images.shape[1:] != (s, s, 3):
            raise ValueError(f"{self.name} reads images (N, {s}, {s}, 3), got {images.shape}")
        if images.dtype == np.uint8:
            x = images.astype(self.dtype)
            x -= self.pixel_mean
            x *= self.pixel_scale
            return x
        if images.dtype.kind != "f":
            raise TypeError(f"{self.name} reads uint8 RGB images or normalised floats, got {images.dtype}")
        return images.astype(self.dtype, copy=False)

    def trace(self, images, train=False, rng=None):
        """Yield (name, output) of every layer in the order of `forward`: for looking inside."""
        x = self.normalize(images)
        for (name, stage), head in zip(self.stages.items(), self.heads, strict=True):
            for layer_name, layer in stage.layers.items():
                x, _ = layer.forward(x, train, rng)
                yield f"{name}.{layer_name}", x
            (offsets, logits), _ = head.forward(x, train, rng)
            yield f"{name} head offsets", offsets
            yield f"{name} head logits", logits

    def detect(self, images, **options):
        """images as for `forward` -> a list of N Detections(corners, labels, scores), in host memory, best first.

        options: what `minissd.detection.detections_from` takes (score_threshold, iou_threshold, limit).
        """
        (offsets, logits), _ = self.forward(images)
        return detections_from(offsets, logits, self.default_boxes, **options)
