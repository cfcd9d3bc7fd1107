"""The U-Net once more, in PyTorch and from its description alone: the oracle for the one in minissd.models."""

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)  # the test processes already fill the cores

LEVELS = 4


class Block(nn.Module):
    """Two convolutions with zero padding, each with batch norm, if any, and ReLU."""

    def __init__(self, c_in, c_out, batch_norm):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(c, c_out, 3, padding=1, bias=not batch_norm) for c in (c_in, c_out))
        self.norms = nn.ModuleList(nn.BatchNorm2d(c_out) if batch_norm else nn.Identity() for _ in range(2))

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(conv(x)).relu()
        return x


class TorchUNet(nn.Module):
    """forward: normalised images (N, 3, S, S) -> logits (N, C, S, S)."""

    def __init__(self, class_count, width, skip, batch_norm):
        super().__init__()
        self.skip = skip
        widths = [width * 2**i for i in range(LEVELS + 1)]
        self.encoders = nn.ModuleList(
            Block(c, d, batch_norm) for c, d in zip([3, *widths], widths[:LEVELS], strict=False)
        )
        self.bottleneck = Block(widths[-2], widths[-1], batch_norm)
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, stride=2) for c in widths[:LEVELS])
        times = 2 if skip == "concatenate" else 1
        self.decoders = nn.ModuleList(Block(times * c, c, batch_norm) for c in widths[:LEVELS])
        self.output = nn.Conv2d(width, class_count, 1)

    def forward(self, x):
        left = []
        for encoder in self.encoders:
            left.append(encoder(x))
            x = nn.functional.max_pool2d(left[-1], 2)
        x = self.bottleneck(x)
        for up, decoder, beside in list(zip(self.ups, self.decoders, left, strict=True))[::-1]:
            x = up(x)
            x = decoder(torch.cat([beside, x], dim=1) if self.skip == "concatenate" else beside + x)
        return self.output(x)


def named_tensors(twin):
    """The twin's parameters and running statistics under minissd's names: name -> tensor."""
    blocks = {"bottleneck": twin.bottleneck}
    for i in range(LEVELS):
        blocks |= {f"encoder{i + 1}": twin.encoders[i], f"decoder{i + 1}": twin.decoders[i]}
    convs = {f"{name}.conv{k}": block.convs[k] for name, block in blocks.items() for k in (0, 1)}
    convs |= {f"up{i + 1}": up for i, up in enumerate(twin.ups)} | {"output": twin.output}
    tensors = {f"{name}.w": conv.weight for name, conv in convs.items()}
    tensors |= {f"{name}.b": conv.bias for name, conv in convs.items() if conv.bias is not None}
    for name, block in blocks.items():
        for k, norm in enumerate(block.norms):
            if isinstance(norm, nn.BatchNorm2d):
                names = {"gamma": norm.weight, "beta": norm.bias}
                names |= {"running_mean": norm.running_mean, "running_var": norm.running_var}
                tensors |= {f"{name}.bn{k}.{key}": tensor for key, tensor in names.items()}
    return tensors


def copy_weights(model, twin):
    """Give the twin the parameters and running statistics of a minissd model."""
    arrays = model.params | model.buffers
    tensors = named_tensors(twin)
    assert arrays.keys() == tensors.keys() | {"pixels.mean", "pixels.scale"}
    with torch.no_grad():
        for name, tensor in tensors.items():
            array = arrays[name]
            tensor.copy_(torch.from_numpy(np.array(array.transpose(3, 2, 0, 1) if array.ndim == 4 else array)))


def to_our_order(tensor):
    """Convolution weights with the two kernel axes in front; anything else as it is; a NumPy copy."""
    array = tensor.detach().numpy()
    return np.array(array.transpose(2, 3, 1, 0) if array.ndim == 4 else array)
