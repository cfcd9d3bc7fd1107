"""torchvision's own detectors, the oracle for ours; skips the tests that import it where it is not installed.

Its compiled part belongs to one build of PyTorch and need not load.  All that the detectors take from there is NMS, so
where it does not load, one written here takes its place, and the rest of torchvision is as it is.
"""

import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # the test processes already fill the cores


def _imported():
    try:
        import torchvision
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
        pytest.skip("needs torchvision", allow_module_level=True)
    return torchvision


def nms(boxes, scores, iou_threshold):
    """torchvision.ops.nms: indices of corners (K, 4) that stay, best first; a box goes above the threshold, not at
    it."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order, kept = scores.argsort(descending=True, stable=True), []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low, high = torch.maximum(boxes[best, :2], boxes[order, :2]), torch.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        order = order[shared <= iou_threshold * (area[best] + area[order] - shared)]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.int64)


try:
    torchvision = _imported()
    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
except RuntimeError:  # no operator: the compiled part is of another build
    for module in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[module]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        try:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:
            continue  # there already
    torchvision = _imported()
    torchvision.ops.boxes.nms = nms

from torchvision.models import detection, mobilenet_v3_large  # noqa: E402 (as above)


def build(name, **options):
    """One of its networks with weights drawn at random, the same every time: those it begins with take long to draw."""
    with torch.device("meta"):
        if name == "mobilenet_v3_large":
            network = mobilenet_v3_large(**options)
        else:
            network = getattr(detection, name)(weights=None, weights_backbone=None, **options)
    return initialize(network.to_empty(device="cpu").eval())


def initialize(network):
    """No number of a batch norm at the 0 or 1 that it begins with; heads that answer with many scores and offsets."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
                layer.weight.normal_(0, (2 / layer.weight[0].numel()) ** 0.5, generator=generator)
                if layer.bias is not None:
                    layer.bias.uniform_(-0.1, 0.1, generator=generator)
            elif isinstance(layer, torch.nn.BatchNorm2d):
                for tensor in (layer.running_var, layer.weight):
                    tensor.uniform_(0.6, 1.4, generator=generator)
                for tensor in (layer.running_mean, layer.bias):
                    tensor.uniform_(-0.2, 0.2, generator=generator)
                layer.num_batches_tracked.fill_(7)
        if hasattr(getattr(network, "backbone", None), "scale_weight"):
            network.backbone.scale_weight.uniform_(10, 20, generator=generator)
            network.backbone.features[0].weight /= 60  # it reads pixels up to 255
        for parameter in getattr(network, "head", torch.nn.Module()).parameters():
            if parameter.ndim == 4 and parameter.shape[1] > 1:  # what outputs offsets or logits
                parameter *= 0.2
    return network


@torch.no_grad()
def detections(network, image):
    """What it finds in a picture (H, W, 3) uint8: labels from 1, scores, corners in pixels, best first."""
    (found,) = network([torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255])
    return found["labels"].numpy(), found["scores"].numpy(), found["boxes"].numpy()
