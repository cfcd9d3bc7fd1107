"""A network of ours as a PyTorch module, built layer by layer from our arrays: both start from the same numbers."""

import torch
import torch.nn.functional as F
from torch import nn

from minissd.layers import (
    BatchNorm,
    Conv2d,
    DepthwiseConv2d,
    GlobalAvgPool2d,
    HardSigmoid,
    HardSwish,
    L2Normalize,
    Linear,
    MaxPool2d,
    ReLU,
    ReLU6,
    Residual,
    Sequential,
    SqueezeExcitation,
)
from minissd.models.heads import NormalizedHead


class Twin(nn.Module):
    """Our SSD as a PyTorch module: the same stages and heads with copies of the same parameters.

    folded: for inference, with batch norms folded into the convolutions before them.
    """

    def __init__(self, model, folded=False):
        super().__init__()

        def twin_of(layer):
            return translate(layer.for_inference() if folded else layer)

        self.outputs = len(model.classes) + 1
        self.names = {name: list(stage.layers) for name, stage in model.stages.items()}
        for name in ("mean", "scale"):
            self.register_buffer(name, torch.tensor(model.buffers[f"pixels.{name}"])[:, None, None])
        self.stages = nn.ModuleList(map(twin_of, model.stages.values()))
        self.norms = nn.ModuleList(
            translate(head.l2norm) if isinstance(head, NormalizedHead) else nn.Identity() for head in model.heads
        )
        self.offset_heads = nn.ModuleList(twin_of(head.offsets) for head in model.heads)
        self.logit_heads = nn.ModuleList(twin_of(head.logits) for head in model.heads)

    def forward(self, images):
        """images (N, 3, S, S) uint8 -> offsets (N, P, 4), logits (N, P, C + 1)."""
        x = (images - self.mean) * self.scale
        offsets, logits = [], []
        parts = self.stages, self.norms, self.offset_heads, self.logit_heads
        for stage, norm, offset_head, logit_head in zip(*parts, strict=True):
            x = stage(x)
            seen = norm(x)
            offsets.append(by_box(offset_head(seen), 4))
            logits.append(by_box(logit_head(seen), self.outputs))
        return torch.cat(offsets, 1), torch.cat(logits, 1)

    def by_our_names(self):
        """Yield (name, parameter), under the names that our model has for them."""
        modules = {
            f"{stage}.{name}": module
            for (stage, names), sequence in zip(self.names.items(), self.stages, strict=True)
            for name, module in zip(names, sequence, strict=True)
        }
        for i, parts in enumerate(zip(self.norms, self.offset_heads, self.logit_heads, strict=True)):
            modules |= {f"head{i}.{name}": part for name, part in zip(("l2norm", "offsets", "logits"), parts)}
        for name, module in modules.items():
            for theirs, parameter in module.named_parameters():
                yield f"{name}.{OUR_NAMES[type(module)][theirs]}", parameter


def translate(layer):
    """The PyTorch module that does what one of our layers does, with a copy of its parameters."""
    match layer:
        case Conv2d():
            kernel_h, _, c_in, c_out = layer.params["w"].shape
            geometry = {"padding": layer.geometry["pad"]} | {k: layer.geometry[k] for k in ("stride", "dilation")}
            module = nn.Conv2d(c_in, c_out, kernel_h, bias="b" in layer.params, **geometry)
            arrays = {"weight": layer.params["w"].transpose(3, 2, 0, 1)}
            if "b" in layer.params:
                arrays["bias"] = layer.params["b"]
        case DepthwiseConv2d():
            kernel_h, _, channels = layer.params["w"].shape
            geometry = {"padding": layer.geometry["pad"], "stride": layer.geometry["stride"], "groups": channels}
            module = nn.Conv2d(channels, channels, kernel_h, bias="b" in layer.params, **geometry)
            arrays = {"weight": layer.params["w"].transpose(2, 0, 1)[:, None]}
            if "b" in layer.params:
                arrays["bias"] = layer.params["b"]
        case Linear():
            module = nn.Linear(*layer.params["w"].shape)
            arrays = {"weight": layer.params["w"].T, "bias": layer.params["b"]}
        case BatchNorm():
            module = nn.BatchNorm2d(len(layer.params["gamma"]), momentum=layer.momentum, eps=layer.eps)
            arrays = {"weight": layer.params["gamma"], "bias": layer.params["beta"], **layer.buffers}
        case L2Normalize():
            module, arrays = L2Norm(len(layer.params["scale"])), layer.params
        case MaxPool2d():
            geometry = {name: layer.geometry[name] for name in ("stride", "ceil_mode")}
            return nn.MaxPool2d(layer.kernel, padding=layer.geometry["pad"], **geometry)
        case ReLU6():
            return nn.ReLU6(inplace=True)
        case ReLU():
            return nn.ReLU(inplace=True)
        case HardSwish():
            return nn.Hardswish(inplace=True)
        case HardSigmoid():
            return nn.Hardsigmoid()
        case GlobalAvgPool2d():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case SqueezeExcitation():
            return Excitation(*map(translate, layer.layers.values()))
        case Residual():
            return Sum(*map(translate, layer.layers.values()))
        case Sequential():
            return nn.Sequential(*map(translate, layer.layers.values()))
        case _:
            raise TypeError(f"the PyTorch twin knows no {type(layer).__name__}: add it to translate")
    module.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, strict=False)
    return module


class Sum(nn.Sequential):
    """y = x + f(x)."""

    def forward(self, x):
        return x + super().forward(x)


class Excitation(nn.Sequential):
    """Maps x times g(x), a number for each channel."""

    def forward(self, x):
        return x * super().forward(x)[..., None, None]


class L2Norm(nn.Module):
    """Unit length over the channels times a scale (C,)."""

    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.empty(channels))

    def forward(self, x):
        return F.normalize(x) * self.scale[:, None, None]


OUR_NAMES = {
    nn.Conv2d: {"weight": "w", "bias": "b"},
    nn.BatchNorm2d: {"weight": "gamma", "bias": "beta"},
    L2Norm: {"scale": "scale"},
}


def by_box(output, numbers):
    """A head's output (N, k * numbers, H, W) -> (N, H*W*k, numbers)."""
    return output.permute(0, 2, 3, 1).reshape(len(output), -1, numbers)
