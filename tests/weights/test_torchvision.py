"""torchvision's two SSDs: files that it saves, the same numbers, and from a photograph on the same boxes."""

import numpy as np
import pytest
import torchvision_peer as peer

from minissd.data import read_image
from minissd.models import Normalized, build
from minissd.weights import load, load_model, start_from
from minissd.weights.classes import COCO_90

torch = peer.torch

PARAMETERS = 3_440_060  # as torchvision's documentation has it
LITE, VGG = "ssdlite320_mobilenet_v3_large", "ssd300_vgg16"
OURS = "ssdlite320-mobilenet-v3"


@pytest.fixture(scope="module")
def lite():
    return peer.build(LITE)


@pytest.fixture
def saved(tmp_path):
    def write(module, zipped=True):
        path = tmp_path / "weights.pth"
        torch.save(module.state_dict(), path, _use_new_zipfile_serialization=zipped)
        return path

    return write


@pytest.fixture
def photograph(shared):
    return read_image(shared / "data/voc-mini/JPEGImages/000005.jpg")


@pytest.mark.parametrize("zipped", [True, False], ids=["today", "of PyTorch 0.4"])
def test_every_tensor_of_ssdlite_has_its_place(lite, saved, zipped):
    model, report = load_model(None, saved(lite, zipped))
    assert report.lines() == [f"torchvision {LITE}: 406 of 406 tensors loaded into ssdlite320-mobilenet-v3"]
    assert model.parameter_count == sum(parameter.numel() for parameter in lite.parameters()) == PARAMETERS
    assert (model.classes, model.options["boxes"], set(report.untouched)) == (COCO_90, "torchvision", set())
    maps = [torch.zeros(1, 1, size, size) for size in (20, 10, 5, 3, 2, 1)]
    image = torch.zeros(1, 3, 320, 320)
    (anchors,) = lite.anchor_generator(peer.detection.image_list.ImageList(image, [(320, 320)]), maps)
    centers = model.default_boxes
    corners = np.concatenate([centers[:, :2] - centers[:, 2:] / 2, centers[:, :2] + centers[:, 2:] / 2], axis=1)
    np.testing.assert_allclose(320 * corners, anchors, atol=1e-3)


@pytest.mark.parametrize("name", [LITE, VGG])
def test_detections_on_a_photograph(name, lite, saved, photograph):
    network = lite if name == LITE else peer.build(name)
    model, _ = load_model(None, saved(network))
    labels, scores, boxes = peer.detections(network.eval(), photograph)
    assert len(scores) == model.usage.limit
    ours = model.predict(photograph, score=model.usage.score_threshold)
    assert len(ours.scores) == len(scores)
    for label, score, box in zip(labels, scores, boxes):
        near = [i for i, one in enumerate(ours.names) if one == COCO_90[label - 1]]
        near = [i for i in near if abs(ours.scores[i] - score) < 1e-4]
        assert any(np.abs(ours.boxes[i] - box).max() < 0.1 for i in near), (label, score, box)


def test_loss_and_gradients_of_ssdlite(lite, saved, photograph):
    """torchvision's own loss; with the statistics of the file, for those of the batch have a test of their own.

    In float64: in float32 some of the activations stand so near to a kink that rounding decides.
    """
    model = build(OURS, classes=COCO_90, dtype="float64")
    report = load(model, saved(lite))
    height, width, _ = photograph.shape
    corners, labels = np.array([[0.2, 0.1, 0.5, 0.6], [0.4, 0.3, 0.9, 0.95]]), np.array([17, 0])
    outputs, cache = model.forward(model.resized(photograph)[None])
    terms, loss_cache = model.loss(outputs, [target[None] for target in model.targets(corners, labels)])
    _, grads = model.backward(model.loss_backward(loss_cache), cache, need_dx=False)

    network = peer.build(LITE).double()
    network.load_state_dict(lite.state_dict())
    for layer in network.train().modules():
        layer.train(not isinstance(layer, torch.nn.BatchNorm2d))
    pixels = torch.from_numpy(np.array(photograph)).permute(2, 0, 1).double() / 255
    boxes = torch.tensor(corners * [width, height, width, height])
    losses = network([pixels], [{"boxes": boxes, "labels": torch.tensor(labels + 1)}])
    assert float(terms["confidence"]) == pytest.approx(float(losses["classification"]), rel=1e-5)
    assert float(terms["localization"]) == pytest.approx(float(losses["bbox_regression"]), rel=1e-5)
    sum(losses.values()).backward()
    for name, parameter in network.named_parameters():
        ours, theirs = grads[report.matched[name]], parameter.grad.numpy()
        turned = theirs.transpose(2, 3, 1, 0) if theirs.ndim == 4 else theirs
        assert np.linalg.norm(ours - turned.reshape(ours.shape)) <= 1e-4 * np.linalg.norm(theirs), name


def test_outputs_and_statistics_in_training(lite, saved):
    model, report = load_model(None, saved(lite))
    network = peer.build(LITE)
    network.load_state_dict(lite.state_dict())
    x = np.random.default_rng(0).standard_normal((2, 320, 320, 3)).astype(np.float32)
    outputs, _ = model.forward(Normalized(x), train=True)
    with torch.no_grad():
        found = network.train().head(list(network.backbone(torch.tensor(x).permute(0, 3, 1, 2)).values()))
    for ours, theirs in zip(outputs, (found["bbox_regression"], found["cls_logits"])):
        np.testing.assert_allclose(ours, theirs, atol=2e-3 * float(theirs.abs().max()))
    for name, theirs in network.state_dict().items():
        if "running" in name and "head" not in name:
            scale = float(theirs.abs().max())
            np.testing.assert_allclose(model.buffers[report.matched[name]], theirs, atol=1e-4 * scale, err_msg=name)


def test_the_trunk_starts_a_training(saved):
    trunk = peer.build("mobilenet_v3_large")
    path = saved(trunk)
    model = build("ssdlite320-mobilenet-v3", classes=("raccoon",), reduced_tail=False)
    report = start_from(model, path)
    assert report.lines()[0] == (
        "torchvision mobilenet_v3_large: 262 of 266 tensors loaded into ssdlite320-mobilenet-v3"
    )
    assert all(name.startswith(("extra", "head")) for name in report.untouched)
    x = np.random.default_rng(0).standard_normal((1, 320, 320, 3)).astype(np.float32)
    for stage in model.stages.values():
        x = stage.infer(x)
        if x.shape[-1] == 960:
            break
    with torch.no_grad():
        same = torch.tensor(np.random.default_rng(0).standard_normal((1, 320, 320, 3)).astype(np.float32))
        theirs = trunk.features(same.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(x, theirs, atol=1e-4 * float(theirs.abs().max()))


def test_an_ssdlite_for_other_classes(lite, saved, refused):
    path = saved(peer.build(LITE, num_classes=4))
    with refused(path, "head.classification_head.module_list.0.1.weight", "the 3 classes of the file"):
        load_model(None, path)
    assert load_model(None, path, classes=("a", "b", "c"))[0].classes == ("a", "b", "c")
    with refused(path, f"holds torchvision {LITE}", "ssd300-vgg16 has none of its layers"):
        load(build("ssd300-vgg16", classes=("a",)), path)
