"""SSD300 in PyTorch, from the paper and under the names of ssd.pytorch: the oracle for the one in minissd.models."""

import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)  # the test processes already fill the cores

VGG = (64, 64, "M", 128, 128, "M", 256, 256, 256, "C", 512, 512, 512, "M", 512, 512, 512)  # C: a pool that rounds up
EXTRAS = ((256, 512, 2, 1), (128, 256, 2, 1), (128, 256, 1, 0), (128, 256, 1, 0))  # 1x1, 3x3, its stride and pad
BOXES_PER_CELL = (4, 6, 6, 6, 4, 4)
MAP_CHANNELS = (512, 1024, 512, 256, 256, 256)
CONV4_3_RELU = 22  # place in the list of VGG's layers


class L2Norm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 20.0))

    def forward(self, x):
        return functional.normalize(x, dim=1) * self.weight[None, :, None, None]


class TorchSSD300(nn.Module):
    """forward: images (N, 3, 300, 300) less the mean colour -> offsets (N, 8732, 4), logits (N, 8732, C + 1).

    narrow: divides the channels of all layers.
    """

    def __init__(self, class_count, narrow=1):
        super().__init__()
        self.outputs = class_count + 1
        self.vgg = nn.ModuleList(vgg_layers(narrow))
        self.L2Norm = L2Norm(512 // narrow)
        channels, extras = 1024 // narrow, []
        for squeezed, wide, stride, pad in EXTRAS:
            squeezed, wide = squeezed // narrow, wide // narrow
            extras += [nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, wide, 3, stride, pad)]
            channels = wide
        self.extras = nn.ModuleList(extras)
        pairs = [(c // narrow, k) for c, k in zip(MAP_CHANNELS, BOXES_PER_CELL, strict=True)]
        self.loc = nn.ModuleList(nn.Conv2d(c, k * 4, 3, padding=1) for c, k in pairs)
        self.conf = nn.ModuleList(nn.Conv2d(c, k * self.outputs, 3, padding=1) for c, k in pairs)

    def forward(self, x):
        maps = []
        for place, layer in enumerate(self.vgg):
            x = layer(x)
            if place == CONV4_3_RELU:
                maps.append(self.L2Norm(x))
        maps.append(x)
        for place, layer in enumerate(self.extras):
            x = functional.relu(layer(x))
            if place % 2:
                maps.append(x)
        offsets = [by_box(head(one), 4) for head, one in zip(self.loc, maps, strict=True)]
        logits = [by_box(head(one), self.outputs) for head, one in zip(self.conf, maps, strict=True)]
        return torch.cat(offsets, dim=1), torch.cat(logits, dim=1)


def vgg_layers(narrow):
    """conv1_1 to fc7, each convolution and each ReLU a layer of its own."""
    layers, channels = [], 3
    for width in VGG:
        if isinstance(width, int):
            layers += [nn.Conv2d(channels, width // narrow, 3, padding=1), nn.ReLU()]
            channels = width // narrow
        else:
            layers.append(nn.MaxPool2d(2, 2, ceil_mode=width == "C"))
    dense = 1024 // narrow
    layers += [nn.MaxPool2d(3, 1, 1), nn.Conv2d(channels, dense, 3, padding=6, dilation=6), nn.ReLU()]
    return [*layers, nn.Conv2d(dense, dense, 1), nn.ReLU()]


def by_box(output, size):
    """A head's output (N, k * size, H, W) -> (N, H * W * k, size), cell by cell."""
    return output.permute(0, 2, 3, 1).reshape(len(output), -1, size)


def initialize(module, seed):
    """Weights that keep the size of the signal through all layers, and biases that are not 0; the same every time."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.named_parameters():
            if tensor.ndim == 4:
                variance = (2 if "vgg" in name else 1) / tensor[0].numel()
                tensor.normal_(0, variance**0.5, generator=generator)
                if name == "vgg.0.weight":
                    tensor /= 60  # the pixels' standard deviation, nearly
                elif name.startswith(("loc", "conf")):
                    tensor /= 10  # no box is sure of anything yet
            elif name.endswith("bias"):
                tensor.uniform_(-0.1, 0.1, generator=generator)
            else:
                tensor.uniform_(10, 20, generator=generator)
    return module
