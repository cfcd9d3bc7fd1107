"""ssd-tiny once more, in PyTorch and from its description alone: the oracle for the one in minissd.models."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)  # the test processes already fill the cores

BOXES_PER_CELL = 6
# output channels of ten 3x3 convolutions; maps to detect on after the 6th, 8th, 9th and 10th
CONVOLUTIONS = [16, 32, 64, 64, 96, 96, 128, 128, 128, 128]
STAGE_ENDS = (6, 8, 9, 10)
POOLED_BEFORE, POOLED_BEHIND = (7, 9, 10), (1, 2, 4)  # max pooling, 2x2, before or behind the convolution


class TorchSsdTiny(nn.Module):
    """forward: normalised images (N, 3, S, S) -> offsets (N, P, 4), logits (N, P, C + 1)."""

    def __init__(self, class_count):
        super().__init__()
        self.outputs = class_count + 1
        pairs = pairwise([3, *CONVOLUTIONS])
        self.convs = nn.ModuleList(nn.Conv2d(c, d, 3, padding=1, bias=False) for c, d in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(d) for d in CONVOLUTIONS)
        maps = [CONVOLUTIONS[end - 1] for end in STAGE_ENDS]
        self.offsets = nn.ModuleList(nn.Conv2d(d, BOXES_PER_CELL * 4, 3, padding=1) for d in maps)
        self.logits = nn.ModuleList(nn.Conv2d(d, BOXES_PER_CELL * self.outputs, 3, padding=1) for d in maps)

    def forward(self, x):
        found = []
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True), start=1):
            x = conv(_halved(x) if i in POOLED_BEFORE else x)
            x = functional.relu(norm(_halved(x) if i in POOLED_BEHIND else x))
            if i in STAGE_ENDS:
                head = STAGE_ENDS.index(i)
                offsets, logits = self.offsets[head](x), self.logits[head](x)
                found.append((_boxes(offsets, 4), _boxes(logits, self.outputs)))
        return tuple(torch.cat(parts, dim=1) for parts in zip(*found, strict=True))


def _halved(x):
    return functional.max_pool2d(x, 2, ceil_mode=True)


def _boxes(output, size):
    """A head's output (N, k * size, H, W) -> (N, H * W * k, size), cell by cell."""
    return output.permute(0, 2, 3, 1).reshape(len(output), -1, size)


def named_tensors(twin):
    """The twin's parameters and running statistics under minissd's names: name -> tensor."""
    tensors = {}
    for i, (conv, norm) in enumerate(zip(twin.convs, twin.norms, strict=True)):
        stage = sum(i >= end for end in STAGE_ENDS)
        place = i - (0, *STAGE_ENDS)[stage]
        tensors[f"stage{stage}.conv{place}.w"] = conv.weight
        names = {"gamma": norm.weight, "beta": norm.bias}
        names |= {"running_mean": norm.running_mean, "running_var": norm.running_var}
        tensors |= {f"stage{stage}.bn{place}.{name}": tensor for name, tensor in names.items()}
    for i, heads in enumerate(zip(twin.offsets, twin.logits, strict=True)):
        for name, head in zip(("offsets", "logits"), heads, strict=True):
            tensors |= {f"head{i}.{name}.w": head.weight, f"head{i}.{name}.b": head.bias}
    return tensors


def copy_weights(model, twin):
    """Give the twin the parameters and running statistics of a minissd model."""
    arrays = model.params | model.buffers
    tensors = named_tensors(twin)
    assert arrays.keys() == tensors.keys() | {"pixels.mean", "pixels.scale"}
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(_to_torch_order(arrays[name])))


def gradients(twin):
    """The gradients of the twin's parameters, named and laid out like minissd's."""
    return {name: to_our_order(tensor.grad) for name, tensor in named_tensors(twin).items() if tensor.grad is not None}


def _to_torch_order(array):
    """HWIO -> OIHW for convolution weights; a copy of anything else."""
    return np.array(array.transpose(3, 2, 0, 1) if array.ndim == 4 else array)


def to_our_order(tensor):
    """OIHW -> HWIO for convolution weights; anything else as it is; a NumPy copy."""
    array = tensor.detach().numpy()
    return np.array(array.transpose(2, 3, 1, 0) if array.ndim == 4 else array)
