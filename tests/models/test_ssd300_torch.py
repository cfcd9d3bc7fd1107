"""ssd300-vgg16 against the same network in PyTorch: outputs at full size; every gradient and some steps of training
with an eighth of the channels, which is the same code at a fiftieth of the cost."""

import numpy as np
import pytest
from model_table import narrow_networks

from minissd.detection import match
from minissd.models import build
from minissd.training import SGD
from minissd.weights import load_model

torch = pytest.importorskip("torch")
import torch_ssd300  # noqa: E402  needs torch
from torch.nn import functional  # noqa: E402

CLASSES = tuple("abcde")
# a batch is one image: what a larger one adds is tested on ssd-tiny, which costs a hundredth
OBJECTS = (
    ([[0.1, 0.2, 0.4, 0.5], [0.5, 0.4, 0.95, 0.9], [0.02, 0.02, 0.12, 0.1]], [0, 2, 4]),
    ([[0.3, 0.3, 0.8, 0.6], [0.0, 0.6, 0.2, 0.95]], [1, 3]),
)
NARROW, LR, STEPS = 8, 4e-4, 8


@pytest.fixture(scope="module")
def batches():
    """Two batches: image (1, 300, 300, 3) uint8, class targets (1, 8732), offset targets (1, 8732, 4)."""
    rng = np.random.default_rng(0)
    boxes = build("ssd300-vgg16", classes=CLASSES).default_boxes
    made = []
    for corners, labels in OBJECTS:
        image = rng.integers(0, 256, (1, 300, 300, 3), np.uint8)  # without flat parts: no ties in a pool
        class_targets, offset_targets = match(np.array(corners, np.float32), np.array(labels), boxes)
        made.append((image, class_targets[None], offset_targets[None]))
    return made


def pair(narrow=1, dtype="float32"):
    """(our model, the twin) with the same parameters."""
    twin = torch_ssd300.initialize(torch_ssd300.TorchSSD300(len(CLASSES), narrow), seed=0).to(getattr(torch, dtype))
    model = build("ssd300-vgg16", classes=CLASSES, dtype=dtype)
    for name, tensor in named(twin).items():
        model.params[name][...] = our_order(tensor)
    return model, twin


def named(twin):
    """The twin's parameters under minissd's names."""
    tensors = {"head0.l2norm.scale": twin.L2Norm.weight}
    places = iter(layer for layer in twin.vgg if isinstance(layer, torch.nn.Conv2d))
    names = [f"conv1_4.conv{i}_{j}" for i, count in ((1, 2), (2, 2), (3, 3), (4, 3)) for j in range(1, count + 1)]
    names += ["conv5_7.conv5_1", "conv5_7.conv5_2", "conv5_7.conv5_3", "conv5_7.fc6", "conv5_7.fc7"]
    modules = dict(zip(names, places, strict=True))
    modules |= {f"extra{6 + i // 2}.conv{6 + i // 2}_{1 + i % 2}": module for i, module in enumerate(twin.extras)}
    modules |= {f"head{i}.offsets": module for i, module in enumerate(twin.loc)}
    modules |= {f"head{i}.logits": module for i, module in enumerate(twin.conf)}
    for name, module in modules.items():
        tensors |= {f"{name}.w": module.weight, f"{name}.b": module.bias}
    return tensors


def our_order(tensor):
    array = tensor.detach().numpy()
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array


def torch_input(image):
    return torch.tensor((image - np.float32((123, 117, 104))).transpose(0, 3, 1, 2))


def torch_loss(outputs, class_targets, offset_targets):
    """The multibox loss from its definition, one image."""
    offsets, logits = outputs[0][0], outputs[1][0]
    target = torch.tensor(class_targets[0])
    positive = target > 0
    losses = functional.cross_entropy(logits, target, reduction="none")
    hardest = losses.detach().masked_fill(positive, -1).topk(3 * int(positive.sum())).indices
    aim = torch.tensor(offset_targets[0]).to(offsets)[positive]
    localization = functional.smooth_l1_loss(offsets[positive], aim, reduction="sum")
    return (losses[positive].sum() + losses[hardest].sum() + localization) / positive.sum()


def close(ours, theirs, tolerance, what=""):
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max(), err_msg=what)


def test_outputs_of_a_file_that_pytorch_saved(batches, tmp_path):
    _, twin = pair()
    torch.save(twin.state_dict(), tmp_path / "ssd300.pth")
    model, _ = load_model("ssd300-vgg16", tmp_path / "ssd300.pth", classes=CLASSES)
    image = batches[0][0]
    outputs, _ = model.forward(image)
    with torch.no_grad():
        expected = twin(torch_input(image))
    for ours, theirs in zip(outputs, expected, strict=True):
        close(ours, theirs.numpy(), 1e-4)


def test_gradients_of_all_parameters(monkeypatch, batches):
    """In float64: in float32 a few ReLUs of the millions stand so near to their kink that rounding decides."""
    narrow_networks(monkeypatch, NARROW)
    model, twin = pair(NARROW, "float64")
    image, *targets = batches[0]
    outputs, cache = model.forward(image, train=True)
    terms, loss_cache = model.loss(outputs, targets)
    _, grads = model.backward(model.loss_backward(loss_cache), cache, need_dx=False)

    loss = torch_loss(twin(torch_input(image).double()), *targets)
    loss.backward()
    assert float(terms["loss"]) == pytest.approx(loss.item(), rel=1e-6)
    tensors = named(twin)
    assert grads.keys() == tensors.keys()
    for name, grad in grads.items():
        close(grad, our_order(tensors[name].grad), 1e-6, name)


def test_steps_of_training(monkeypatch, batches):
    """In float64: on a batch of one image training doubles a rounding error every other step."""
    narrow_networks(monkeypatch, NARROW)
    model, twin = pair(NARROW, "float64")
    optimizer = SGD(model.params, LR, momentum=0.9, weight_decay=5e-4, bias_lr=2, bias_decay=False)
    weights = [tensor for name, tensor in named(twin).items() if not name.endswith(".b")]
    biases = [tensor for name, tensor in named(twin).items() if name.endswith(".b")]
    groups = [{"params": weights, "weight_decay": 5e-4}, {"params": biases, "lr": 2 * LR, "weight_decay": 0}]
    peer = torch.optim.SGD(groups, LR, momentum=0.9)
    ours, theirs = [], []
    for step in range(STEPS):
        image, *targets = batches[step % 2]
        outputs, cache = model.forward(image, train=True)
        terms, loss_cache = model.loss(outputs, targets)
        optimizer.step(model.backward(model.loss_backward(loss_cache), cache, need_dx=False)[1])
        ours.append(float(terms["loss"]))

        peer.zero_grad()
        loss = torch_loss(twin(torch_input(image).double()), *targets)
        loss.backward()
        peer.step()
        theirs.append(loss.item())
    assert min(theirs) < 0.9 * theirs[0]  # it moved: staying where it began would agree too
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
