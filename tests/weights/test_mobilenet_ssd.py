"""qfgaohao's mobilenet-v1-ssd: files as PyTorch saves them, and the same numbers and boxes on photographs."""

import numpy as np
import pytest

from minissd.data import read_image
from minissd.detection import match
from minissd.models import build
from minissd.weights import load, load_model, read_weights, start_from
from minissd.weights.classes import VOC

torch = pytest.importorskip("torch")
pytest.importorskip("cv2")
import torch_mobilenet_ssd as twins  # noqa: E402 (needs both)
from torch import nn  # noqa: E402 (needs torch)
from torch.nn import functional  # noqa: E402 (needs torch)


def initialize(module):
    """No number at the 0 or 1 that it begins with, and outputs of which some are sure and none is wild."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.normal_(0, (2 / layer.weight[0].numel()) ** 0.5, generator=generator)
                if layer.bias is not None:
                    layer.bias.uniform_(-0.1, 0.1, generator=generator)
            elif isinstance(layer, nn.BatchNorm2d):
                for tensor in (layer.running_var, layer.weight):
                    tensor.uniform_(0.6, 1.4, generator=generator)
                for tensor in (layer.running_mean, layer.bias):
                    tensor.uniform_(-0.2, 0.2, generator=generator)
                layer.num_batches_tracked += 7
        for heads, size in (("regression_headers", 0.02), ("classification_headers", 0.01)):
            for layer in getattr(module, heads, ()):
                layer.weight *= size
    return module


@pytest.fixture(scope="module")
def twin():
    return initialize(twins.MobileNetSSD(len(VOC)))


@pytest.fixture
def saved(tmp_path):
    def write(module, zipped=True, **others):
        path = tmp_path / "mobilenet-v1-ssd-mp-0_675.pth"
        torch.save(module.state_dict() | others, path, _use_new_zipfile_serialization=zipped)
        return path

    return write


@pytest.mark.parametrize("zipped", [True, False], ids=["today", "of PyTorch 0.4"])
def test_every_tensor_of_the_file_has_its_place(twin, saved, zipped):
    model, report = load_model(None, saved(twin, zipped))
    assert report.lines() == ["qfgaohao mobilenet-v1-ssd: 175 of 175 tensors loaded into ssd300-mobilenet"]
    assert model.parameter_count == sum(parameter.numel() for parameter in twin.parameters()) == 9_468_996
    assert (model.classes, model.options["boxes"], len(report.matched)) == (VOC, "qfgaohao", 175)
    np.testing.assert_allclose(model.default_boxes, twins.priors(), atol=1e-6)
    pixels = np.broadcast_to(np.array((255, 127, 0), np.uint8), (1, 300, 300, 3))
    np.testing.assert_allclose(model.normalize(pixels)[0, 0, 0], (1, 0, -127 / 128))


def test_detections_on_a_photograph(twin, saved, shared):
    model, _ = load_model(None, saved(twin))
    image = read_image(shared / "data/voc-mini/JPEGImages/000003.jpg")
    ours = model.predict(image, score=0.01)
    for added, share in ((0, 0.001), (1e-5, 0.01)):  # what theirs adds to a union changes a few IoUs
        theirs = twins.predict(twin, image, added)
        assert len(theirs) > 1000
        assert missing(theirs, ours, image.shape) <= share * len(theirs)


def missing(theirs, ours, shape):
    """How many of their detections are not among ours, and the other way round."""
    count = abs(len(theirs) - len(ours.names))
    for label, score, box in theirs:
        near = [i for i, name in enumerate(ours.names) if name == VOC[label] and abs(ours.scores[i] - score) < 1e-4]
        clipped = np.clip(box, 0, [shape[1], shape[0]] * 2)
        count += not any(np.abs(ours.boxes[i] - clipped).max() < 0.1 for i in near)
    return count


def test_outputs_and_gradients_of_the_loss(twin, saved):
    """With the statistics of the file; batch norm in training is tested in tests/models/test_mobilenet.py."""
    path = saved(twin)
    model, report = load_model(None, path)
    image = np.random.default_rng(0).integers(0, 256, (1, 300, 300, 3), np.uint8)
    corners = np.array([[0.1, 0.2, 0.4, 0.5], [0.3, 0.1, 0.95, 0.9]], np.float32)
    class_targets, offset_targets = (array[None] for array in match(corners, np.array([3, 14]), model.default_boxes))
    outputs, cache = model.forward(image)
    terms, loss_cache = model.loss(outputs, (class_targets, offset_targets))
    _, grads = model.backward(model.loss_backward(loss_cache), cache, need_dx=False)

    twin.eval().zero_grad()
    theirs = twin(torch.tensor((image.transpose(0, 3, 1, 2).astype(np.float32) - 127) / 128))
    for array, tensor in zip(outputs, theirs):
        np.testing.assert_allclose(array, tensor.detach(), atol=1e-5 * float(tensor.detach().abs().max()))
    counted = torch.tensor(loss_cache.box_weight > 0)  # matched boxes and hard negatives
    losses = functional.cross_entropy(theirs[1][counted], torch.tensor(class_targets)[counted], reduction="sum")
    positive = torch.tensor(class_targets) > 0
    aim = torch.tensor(offset_targets)[positive]
    loss = (losses + functional.smooth_l1_loss(theirs[0][positive], aim, reduction="sum")) / positive.sum()
    loss.backward()
    assert float(terms["loss"]) == pytest.approx(loss.item(), rel=1e-5)
    for their_name, parameter in twin.named_parameters():
        ours, expected = grads[report.matched[their_name]], parameter.grad.numpy()
        expected = expected.transpose(2, 3, 1, 0).reshape(ours.shape) if expected.ndim == 4 else expected
        # a few of the ReLUs stand so near to their kink that rounding decides
        assert np.linalg.norm(ours - expected) <= 5e-3 * np.linalg.norm(expected), their_name


def test_its_trunk_starts_a_training(saved):
    trunk = initialize(twins.trunk())
    model, fresh = (build("ssd300-mobilenet", classes=("raccoon",)) for _ in range(2))
    report = start_from(model, saved(trunk, zipped=False))
    assert report.lines()[0] == "qfgaohao mobilenet-v1: 135 of 135 tensors loaded into ssd300-mobilenet"
    assert all(name.startswith(("extra", "head")) for name in report.untouched)
    np.testing.assert_array_equal(
        model.params["to_conv13.conv13_dw.w"], trunk[13][0].weight.detach().numpy()[:, 0].transpose(1, 2, 0)
    )
    np.testing.assert_array_equal(model.params["head0.logits.w"], fresh.params["head0.logits.w"])
    assert model.options["boxes"] == "own"


def test_a_network_of_other_classes_and_one_with_boxes_of_its_own(twin, saved, refused):
    path = saved(initialize(twins.MobileNetSSD(3)))
    with refused(path, "classification_headers.0.weight", "head0.logits.w", "the 3 classes of the file"):
        load_model(None, path)
    model, report = load_model(None, path, classes=("a", "b", "c"))
    assert model.classes == ("a", "b", "c") and not report.left_over
    with refused(path, "extras.", "ssd300-mobilenet"):
        load(build("ssd300-mobilenet", classes=("a", "b", "c"), boxes="caffe"), path)


def test_a_key_too_few_or_too_many(twin, saved, refused):
    whole = read_weights(saved(twin)).tensors
    rest = {name: torch.tensor(array) for name, array in whole.items() if name != "base_net.3.4.bias"}
    path = saved(nn.Module(), **rest)
    with refused(path, "qfgaohao mobilenet-v1-ssd", "lacks base_net.3.4.bias", "fetch it again"):
        load_model(None, path)
    _, report = load_model(None, saved(twin, **{"extras.4.0.weight": torch.ones(1)}))
    assert report.left_over == {"extras.4.0.weight": "ssd300-mobilenet has no such layer"}


def test_another_network_is_named(twin, saved, refused):
    path = saved(twin)
    with refused(path, "holds qfgaohao mobilenet-v1-ssd", "ssd-tiny has none of its layers", "ssd300-mobilenet"):
        load_model("ssd-tiny", path)
    with refused(saved(twins.trunk()), "qfgaohao mobilenet-v1", "detects nothing yet"):
        load_model(None, path)


def test_the_boxes_of_the_caffe_network():
    """Three in a cell of the first map, 1x1 heads, batch norm in the extra layers; cells share the image evenly."""
    model = build("ssd300-mobilenet", classes=VOC, boxes="caffe")
    assert (len(model.default_boxes), model.parameter_count) == (1917, 5_796_089)
    assert model.params["head0.offsets.w"].shape == (1, 1, 512, 12)
    assert "extra17.bn17_2.gamma" in model.params
    root = 2**0.5
    first = np.array([[0.5, 0.5, 60, 60], [0.5, 0.5, 60 * root, 60 / root], [0.5, 0.5, 60 / root, 60 * root]])
    np.testing.assert_allclose(model.default_boxes[:3], first / [19, 19, 300, 300], rtol=1e-6)
    np.testing.assert_allclose(model.default_boxes[-5, 2:], (285 * 300) ** 0.5 / 300, rtol=1e-6)
