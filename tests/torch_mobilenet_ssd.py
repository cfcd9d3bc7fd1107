"""mobilenet-v1-ssd in PyTorch under the names of qfgaohao's pytorch-ssd, and what that does with a photograph."""

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)  # the test processes already fill the cores

BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
EXTRAS = ((256, 512), (128, 256), (128, 256), (128, 256))
MAP_CHANNELS = (512, 1024, 512, 256, 256, 256)
BOXES = 6  # in a cell
SIZES, STRIDES, CELLS = (60, 105, 150, 195, 240, 285, 330), (16, 32, 64, 100, 150, 300), (19, 10, 5, 3, 2, 1)


def convolution(c_in, c_out, kernel, stride=1, groups=1):
    """With its batch norm and ReLU: three entries of a list."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(c_out), nn.ReLU()]


def trunk():
    """MobileNet v1 without its classifier, as `mobilenet_v1_with_relu_69_5.pth` holds it."""
    layers, channels = [nn.Sequential(*convolution(3, 32, 3, 2))], 32
    for width, stride in BLOCKS:
        depthwise = convolution(channels, channels, 3, stride, groups=channels)
        layers.append(nn.Sequential(*depthwise, *convolution(channels, width, 1)))
        channels = width
    return nn.Sequential(*layers)


class MobileNetSSD(nn.Module):
    """forward: images (N, 3, 300, 300), normalised -> offsets (N, 3000, 4), logits (N, 3000, C + 1)."""

    def __init__(self, class_count):
        super().__init__()
        self.outputs = class_count + 1
        self.base_net, channels, extras = trunk(), 1024, []
        for narrow, wide in EXTRAS:
            squeeze, widen = nn.Conv2d(channels, narrow, 1), nn.Conv2d(narrow, wide, 3, 2, 1)
            extras.append(nn.Sequential(squeeze, nn.ReLU(), widen, nn.ReLU()))
            channels = wide
        self.extras = nn.ModuleList(extras)
        for name, size in (("classification_headers", self.outputs), ("regression_headers", 4)):
            setattr(self, name, nn.ModuleList(nn.Conv2d(c, BOXES * size, 3, padding=1) for c in MAP_CHANNELS))

    def forward(self, x):
        maps = [self.base_net[:12](x)]
        maps.append(self.base_net[12:](maps[0]))
        for stage in self.extras:
            maps.append(stage(maps[-1]))
        heads = (self.regression_headers, 4), (self.classification_headers, self.outputs)
        return tuple(
            torch.cat([h(one).permute(0, 2, 3, 1).reshape(len(x), -1, size) for h, one in zip(of, maps)], dim=1)
            for of, size in heads
        )


def priors():
    """(3000, 4) centers, each number cut to 0..1."""
    boxes = []
    for cells, stride, small, large in zip(CELLS, STRIDES, SIZES, SIZES[1:]):
        sides = [(small, small), ((small * large) ** 0.5,) * 2]
        for ratio in (2, 3):
            root = ratio**0.5
            sides += [(small * root, small / root), (small / root, small * root)]
        for row in range(cells):
            for column in range(cells):
                center = (column + 0.5) * stride, (row + 0.5) * stride
                boxes += [(*center, *shape) for shape in sides]
    return torch.tensor(boxes).div(300).clamp(0, 1)


@torch.no_grad()
def predict(network, image, added=1e-5):
    """Their predictor on a picture (H, W, 3) uint8: a list of (label from 0, score, corners in pixels).

    added: to the union of two boxes, in parts of the image, which changes the IoU of small ones.
    """
    pixels = (cv2.resize(image, (300, 300)).astype(np.float32) - 127) / 128
    offsets, logits = (one[0] for one in network.eval()(torch.tensor(pixels.transpose(2, 0, 1))[None]))
    boxes = priors()
    centers = offsets[:, :2] * 0.1 * boxes[:, 2:] + boxes[:, :2]
    sides = torch.exp(offsets[:, 2:] * 0.2) * boxes[:, 2:]
    corners = torch.cat([centers - sides / 2, centers + sides / 2], dim=1)
    scale, found = torch.tensor([image.shape[1], image.shape[0]] * 2), []
    for label, scores in enumerate(functional.softmax(logits, dim=1).T[1:]):
        above = torch.nonzero(scores > 0.01)[:, 0]
        order = above[scores[above].argsort(descending=True)][:200]
        while len(order):
            best, order = order[0], order[1:]
            found.append((label, float(scores[best]), (corners[best] * scale).numpy()))
            order = order[overlaps(corners[order], corners[best], added) <= 0.45]
    return found


def overlaps(boxes, box, added):
    """IoU of corners (K, 4) with one box."""
    low, high = torch.maximum(boxes[:, :2], box[:2]), torch.minimum(boxes[:, 2:], box[2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    return shared / (area + (box[2:] - box[:2]).prod() - shared + added)
