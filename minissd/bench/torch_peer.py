"""The other side of the benchmarks: the same work in PyTorch.  Only this file and torch_card.py import torch.

Everything is built from our arrays and our model, layer by layer, so both sides start from the same numbers.
PyTorch's maps are (N, C, H, W) and its weights (D, C, KH, KW).
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from minissd.layers import BatchNorm, Conv2d, L2Normalize, MaxPool2d, ReLU, Sequential
from minissd.models import SSD
from minissd.models.heads import NormalizedHead

MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def set_threads(count):
    torch.set_num_threads(count)


def maps(array, memory_format):
    """Our (N, H, W, C) as a tensor (N, C, H, W)."""
    return torch.tensor(array.transpose(0, 3, 1, 2)).contiguous(memory_format=MEMORY_FORMATS[memory_format])


class MatrixProduct:
    """a @ b; called for its time, `results()` for what it computed."""

    def __init__(self, a, b):
        self.a, self.b = torch.tensor(a), torch.tensor(b)

    def __call__(self):
        self.product = self.a @ self.b

    def results(self):
        return {"product": self.product.numpy()}


class Convolution:
    """A convolution with pad 1, forward and backward; called for its time, `results()` for what it computed."""

    def __init__(self, x, w, b, dy, memory_format):
        self.x, self.dy = maps(x, memory_format), maps(dy, memory_format)
        self.w = torch.tensor(w.transpose(3, 2, 0, 1)).contiguous(memory_format=MEMORY_FORMATS[memory_format])
        self.inputs = [each.requires_grad_() for each in (self.x, self.w, torch.tensor(b))]

    def __call__(self):
        self.y = F.conv2d(*self.inputs, padding=1)
        self.grads = torch.autograd.grad(self.y, self.inputs, self.dy)

    def results(self):
        """y, dx, dw, db of the last call, in our layout."""
        dx, dw, db = self.grads
        return *map(in_our_order, (self.y, dx)), dw.permute(2, 3, 1, 0).numpy(), db.numpy()


class Inference:
    """A detector, layer or `Sequential` of ours, forward alone; called for its time, `results()` for the outputs."""

    def __init__(self, part, x, memory_format):
        module = Twin(part) if isinstance(part, SSD) else translate(part)
        self.module = module.to(memory_format=MEMORY_FORMATS[memory_format]).eval()
        self.x = maps(x, memory_format)

    @torch.inference_mode()
    def __call__(self):
        self.outputs = self.module(self.x)

    def results(self):
        """As our side names them: offsets and logits of a detector, else y."""
        if isinstance(self.outputs, tuple):
            return dict(zip(("offsets", "logits"), (each.numpy() for each in self.outputs), strict=True))
        return {"y": in_our_order(self.outputs)}


class ForwardBackward:
    """A detector in training, from images and the gradient of its outputs to that of its parameters: `results()`."""

    def __init__(self, model, images, dy, memory_format):
        self.twin = Twin(model).to(memory_format=MEMORY_FORMATS[memory_format]).train()
        self.images = maps(images, memory_format)
        self.dy = tuple(map(torch.tensor, dy))

    def __call__(self):
        self.grads = torch.autograd.grad(self.twin(self.images), list(self.twin.parameters()), self.dy)

    def results(self):
        """{our name of a parameter: its gradient in our layout}."""
        names = {id(parameter): name for name, parameter in self.twin.by_our_names()}
        return {
            names[id(parameter)]: (grad.permute(2, 3, 1, 0) if grad.ndim == 4 else grad).numpy()
            for parameter, grad in zip(self.twin.parameters(), self.grads, strict=True)
        }


class Twin(nn.Module):
    """Our SSD as a PyTorch module: the same stages and heads with copies of the same parameters."""

    def __init__(self, model):
        super().__init__()
        self.outputs = len(model.classes) + 1
        self.names = {name: list(stage.layers) for name, stage in model.stages.items()}
        for name in ("mean", "scale"):
            self.register_buffer(name, torch.tensor(model.buffers[f"pixels.{name}"])[:, None, None])
        self.stages = nn.ModuleList(map(translate, model.stages.values()))
        self.norms = nn.ModuleList(
            translate(head.l2norm) if isinstance(head, NormalizedHead) else nn.Identity() for head in model.heads
        )
        self.offset_heads = nn.ModuleList(translate(head.offsets) for head in model.heads)
        self.logit_heads = nn.ModuleList(translate(head.logits) for head in model.heads)

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


class TrainingStep:
    """One step on one batch, as `minissd.training.train_step` takes it; a call returns the loss."""

    def __init__(self, model, batch, config, memory_format):
        class_targets, offset_targets = batch.targets
        layout = MEMORY_FORMATS[memory_format]
        self.twin = Twin(model).to(memory_format=layout).train()
        self.images = maps(batch.images, memory_format)
        self.targets = torch.tensor(offset_targets), torch.tensor(class_targets)
        self.clip = config.clip or np.inf
        self.optimizer = torch.optim.SGD(
            self.twin.parameters(), config.lr, momentum=config.momentum, weight_decay=config.weight_decay
        )

    def __call__(self):
        self.optimizer.zero_grad()
        loss = multibox_loss(*self.twin(self.images), *self.targets)
        loss.backward()
        nn.utils.clip_grad_norm_(self.twin.parameters(), self.clip)
        self.optimizer.step()
        return loss.item()


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
        case BatchNorm():
            module = nn.BatchNorm2d(len(layer.params["gamma"]), momentum=layer.momentum)
            arrays = {"weight": layer.params["gamma"], "bias": layer.params["beta"], **layer.buffers}
        case L2Normalize():
            module, arrays = L2Norm(len(layer.params["scale"])), layer.params
        case MaxPool2d():
            geometry = {name: layer.geometry[name] for name in ("stride", "ceil_mode")}
            return nn.MaxPool2d(layer.kernel, padding=layer.geometry["pad"], **geometry)
        case ReLU():
            return nn.ReLU(inplace=True)
        case Sequential():
            return nn.Sequential(*map(translate, layer.layers.values()))
        case _:
            raise TypeError(f"the PyTorch twin knows no {type(layer).__name__}: add it to translate")
    module.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()}, strict=False)
    return module


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


def in_our_order(tensor):
    """(N, C, H, W) -> an array (N, H, W, C)."""
    return tensor.detach().permute(0, 2, 3, 1).numpy()


def by_box(output, numbers):
    """A head's output (N, k * numbers, H, W) -> (N, H*W*k, numbers)."""
    return output.permute(0, 2, 3, 1).reshape(len(output), -1, numbers)


def multibox_loss(offsets, logits, offset_targets, class_targets, negative_ratio=3):
    """`minissd.detection.multibox_loss` in PyTorch's functions; shapes as there."""
    positive = class_targets > 0  # (N, P)
    localization = F.smooth_l1_loss(offsets[positive], offset_targets[positive], reduction="sum")
    losses = F.cross_entropy(logits.flatten(0, 1), class_targets.flatten(), reduction="none").view_as(positive)
    confidence = losses[positive | hard_negatives(losses.detach(), positive, negative_ratio)].sum()
    return (confidence + localization) / positive.sum().clamp(min=1)


def hard_negatives(losses, positive, ratio):
    """Mask (N, P): in each image the ratio * positives negatives with the highest loss."""
    order = losses.masked_fill(positive, -np.inf).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(positive.shape[1], device=positive.device)
    wanted = positive.sum(1, keepdim=True) * ratio
    return torch.zeros_like(positive).scatter_(1, order, places < wanted) & ~positive
