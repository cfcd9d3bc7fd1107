"""ssd-tiny against the same network in PyTorch: outputs, every gradient, and ten steps of training."""

import numpy as np
import pytest

from minissd.detection import match, multibox_loss, multibox_loss_backward
from minissd.models import build
from minissd.training import SGD

torch = pytest.importorskip("torch")
import torch_ssd_tiny  # noqa: E402  needs torch

SIZE, CLASSES = 64, ("a", "b", "c")
OBJECTS = np.array([[[0.1, 0.2, 0.4, 0.5], [0.5, 0.4, 0.95, 0.9]], [[0.3, 0.3, 0.8, 0.6], [0.0, 0.6, 0.2, 0.95]]])


@pytest.fixture
def model():
    return build("ssd-tiny", classes=CLASSES, input_size=SIZE)


@pytest.fixture
def twin(model):
    return twin_of(model)


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)


def twin_of(model):
    twin = torch_ssd_tiny.TorchSsdTiny(len(CLASSES)).to(getattr(torch, str(model.dtype)))
    torch_ssd_tiny.copy_weights(model, twin)
    return twin


def targets_of(model):
    """(offset_targets, class_targets) of two images with two objects each."""
    matched = [match(corners, np.array([0, 2]), model.default_boxes) for corners in OBJECTS]
    class_targets, offset_targets = (np.stack(parts) for parts in zip(*matched, strict=True))
    return offset_targets, class_targets


def nchw(model, images):
    return torch.from_numpy(model.normalize(images).transpose(0, 3, 1, 2).copy())


def close(ours, theirs, tolerance):
    """Equal up to `tolerance` times the largest entry."""
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


@pytest.mark.parametrize("train", [False, True])
def test_outputs_and_running_statistics(model, twin, images, rng, train):
    running = {name: array for name, array in model.buffers.items() if "running" in name}
    for array in running.values():  # otherwise 0 and 1, which would hide a mix-up
        array[...] = rng.uniform(0.5, 1.5, array.shape)
    torch_ssd_tiny.copy_weights(model, twin)
    outputs, _ = model.forward(images, train=train)
    with torch.no_grad():
        expected = twin.train(train)(nchw(model, images))
    for ours, theirs in zip(outputs, expected, strict=True):
        close(ours, theirs.numpy(), 1e-4)
    tensors = torch_ssd_tiny.named_tensors(twin)
    for name, array in running.items():
        close(array, torch_ssd_tiny.to_our_order(tensors[name]), 1e-4)


@pytest.mark.parametrize("train", [False, True])
def test_gradients_of_images_and_all_parameters(images, rng, train):
    """In float64: in float32 a ReLU whose input is within rounding of 0 lets the gradient pass on one side only."""
    model = build("ssd-tiny", classes=CLASSES, input_size=SIZE, dtype="float64")
    twin = twin_of(model)
    (offsets, logits), caches = model.forward(images, train=train)
    dy = tuple(rng.standard_normal(part.shape) for part in (offsets, logits))
    d_images, grads = model.backward(dy, caches)

    x = nchw(model, images).requires_grad_()
    torch.autograd.backward(twin.train(train)(x), tuple(map(torch.from_numpy, dy)))
    close(d_images, x.grad.numpy().transpose(0, 2, 3, 1), 1e-9)
    expected = torch_ssd_tiny.gradients(twin)
    assert grads.keys() == expected.keys()
    for name, grad in grads.items():
        close(grad, expected[name], 1e-9)


def test_ten_steps_of_training(rng):
    """Each network gets the gradient of the multibox loss at its own outputs, and its own SGD updates it.

    In float64: on so small a batch the steps of float32 double its rounding error each time.
    """
    model = build("ssd-tiny", classes=CLASSES, input_size=96, dtype="float64")  # so that no map is a single cell
    images = rng.integers(0, 256, (2, 96, 96, 3), np.uint8)
    twin, targets = twin_of(model), targets_of(model)
    ours, theirs = [], []
    optimizer = SGD(model.params, lr=0.01, momentum=0.9, weight_decay=5e-4)
    for _ in range(10):
        (offsets, logits), caches = model.forward(images, train=True)
        loss, cache = multibox_loss(offsets, logits, *targets)
        optimizer.step(model.backward(multibox_loss_backward(cache), caches, need_dx=False)[1])
        ours.append(float(loss))

    x = nchw(model, images)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    for _ in range(10):
        outputs = twin(x)
        loss, cache = multibox_loss(*(output.detach().numpy() for output in outputs), *targets)
        optimizer.zero_grad()
        torch.autograd.backward(outputs, tuple(map(torch.from_numpy, multibox_loss_backward(cache))))
        optimizer.step()
        theirs.append(float(loss))

    assert ours[-1] < ours[0] / 2  # it moved: staying where it began would agree too
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    tensors = torch_ssd_tiny.named_tensors(twin)
    for name, tensor in tensors.items():
        close((model.params | model.buffers)[name], torch_ssd_tiny.to_our_order(tensor), 1e-4)
