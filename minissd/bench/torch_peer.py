"""The other side of the benchmarks: the same work in PyTorch.  Only this file, torch_twin.py and torch_card.py import
torch.

Everything is built from our arrays and our model, layer by layer, so both sides start from the same numbers.
PyTorch's maps are (N, C, H, W) and its weights (D, C, KH, KW).
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from minissd.bench.torch_twin import Twin, translate
from minissd.models import SSD

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
    """A detector, layer or `Sequential` of ours, forward alone; called for its time, `results()` for the outputs.

    Batch norms of a detector are folded into the convolutions before them.
    """

    def __init__(self, part, x, memory_format):
        module = Twin(part, folded=True) if isinstance(part, SSD) else translate(part)
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


def in_our_order(tensor):
    """(N, C, H, W) -> an array (N, H, W, C)."""
    return tensor.detach().permute(0, 2, 3, 1).numpy()


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
