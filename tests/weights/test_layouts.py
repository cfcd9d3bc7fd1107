"""Every published layout, saved by PyTorch from a module with its names and shapes, and loaded here.

Which layer of ours a layer of theirs is, follows from the order in which an image passes them, on both sides.
"""

import numpy as np
import pytest

from minissd.models import build
from minissd.weights import load, load_model
from minissd.weights.classes import COCO_90, VOC

torch = pytest.importorskip("torch")
from weights import torch_layouts  # noqa: E402 (needs torch)

VOC_PARAMETERS = 26_285_486  # of SSD300 with 20 classes
CAFFE_MEAN = (123, 117, 104)
NARROW = {"widths": ((4, 4), (8, 8), (16, 16, 16), (32, 32, 32), (32, 32, 32))}  # those of the fixture `narrow`


@pytest.fixture
def saved(tmp_path):
    """saved(module) is the path of its state_dict, in the format that the published file has."""

    def write(module, legacy=False):
        path = tmp_path / "weights.pth"
        torch.save(module.state_dict(), path, _use_new_zipfile_serialization=not legacy)
        return path

    return write


def in_our_order(model):
    """The names of the model's layers with weights, in the order in which an image passes them."""
    return [name.removesuffix(".w") for name in model.params if name.endswith(".w")]


def expect(model, layers):
    """The first layers of the model hold the weights of theirs."""
    for name, layer in zip(in_our_order(model), layers):
        expected = layer.weight.detach().permute(2, 3, 1, 0).numpy()
        np.testing.assert_array_equal(model.params[f"{name}.w"], expected, err_msg=name)
        np.testing.assert_array_equal(model.params[f"{name}.b"], layer.bias.detach().numpy(), err_msg=name)


def pixel(model, rgb):
    """What the network reads where an image has this colour."""
    image = np.broadcast_to(np.array(rgb, np.uint8), (1, model.input_size, model.input_size, 3))
    return model.normalize(image)[0, 0, 0]


def expect_boxes(model, boxes):
    np.testing.assert_array_equal(model.default_boxes, build(model.name, classes=("a",), boxes=boxes).default_boxes)
    assert model.options["boxes"] == boxes


def test_ssd_pytorch_in_full_size(saved):
    module, layers = torch_layouts.ssd_pytorch()
    model, report = load_model("ssd300-vgg16", saved(module, legacy=True))
    assert sum(array.size for array in model.params.values()) == VOC_PARAMETERS
    assert model.classes == VOC
    assert len(layers) == len(in_our_order(model)) == 35
    expect(model, layers)
    np.testing.assert_array_equal(model.params["head0.l2norm.scale"], module.L2Norm.weight.detach().numpy())
    np.testing.assert_array_equal(pixel(model, (200, 117, 4)), (77, 0, -100))
    expect_boxes(model, "ssd.pytorch")
    assert report.lines() == ["ssd.pytorch ssd300: 71 of 71 tensors loaded into ssd300-vgg16"]


def test_torchvision_ssd(saved, narrow):
    module, layers = torch_layouts.torchvision_ssd(**NARROW, fc=64)
    model, report = load_model("ssd300-vgg16", saved(module))
    assert model.classes == COCO_90
    assert len(layers) == len(in_our_order(model))
    expect(model, layers)
    scale = module.backbone.scale_weight.detach().numpy()
    np.testing.assert_array_equal(model.params["head0.l2norm.scale"], scale)
    expected = (np.array((200, 117, 4)) / 255 - (0.48235, 0.45882, 0.40784)) * 255
    np.testing.assert_allclose(pixel(model, (200, 117, 4)), expected, atol=1e-4)
    expect_boxes(model, "torchvision")
    assert (report.left_over, report.untouched) == ({}, ())


@pytest.mark.parametrize(
    ("layout", "classes", "boxes"),
    [(torch_layouts.ssd_pytorch, VOC, "ssd.pytorch"), (torch_layouts.torchvision_ssd, COCO_90, "torchvision")],
)
def test_a_model_saved_in_a_published_layout_detects_the_same(saved, narrow, rng, layout, classes, boxes):
    ours = narrow(classes=classes, boxes=boxes)
    module, layers = layout(**NARROW, fc=64)
    with torch.no_grad():
        for name, layer in zip(in_our_order(ours), layers, strict=True):
            layer.weight.copy_(torch.tensor(ours.params[f"{name}.w"].transpose(3, 2, 0, 1)))
            layer.bias.copy_(torch.tensor(ours.params[f"{name}.b"]))
        scale = module.L2Norm.weight if hasattr(module, "L2Norm") else module.backbone.scale_weight
        scale.copy_(torch.tensor(ours.params["head0.l2norm.scale"]))
    model, _ = load_model("ssd300-vgg16", saved(module))
    ours.buffers["pixels.mean"][...] = model.buffers["pixels.mean"]  # torchvision's differs in the fifth digit
    images = rng.integers(0, 256, (1, 300, 300, 3), np.uint8)
    (found,), (expected,) = (one.detect(images, score_threshold=0.012) for one in (model, ours))
    assert len(expected.scores) > 0
    np.testing.assert_array_equal(found.labels, expected.labels)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_ssd_for_other_classes(saved, narrow, refused):
    module, layers = torch_layouts.ssd_pytorch(**NARROW, fc=64)
    path = saved(module)
    model = narrow()
    shapes = (84, 32, 3, 3), (3, 3, 32, 84), (3, 3, 32, 12)
    with refused(path, "conf.0.weight", "head0.logits.w", *shapes, "the 20 classes of the file", "heads=False"):
        load(model, path)
    np.testing.assert_array_equal(model.params["conv1_4.conv1_1.w"], narrow().params["conv1_4.conv1_1.w"])
    report = load(model, path, heads=False)
    expect(model, layers[:23])  # the trunk and the extra layers
    assert {name for name in model.params if name.startswith("head")} == set(report.untouched)
    expect_boxes(model, "caffe")


def test_reduced_vgg16_into_an_ssd(saved, narrow):
    module, layers = torch_layouts.reduced_vgg16(**NARROW, fc=64)
    model, fresh = narrow(), narrow()
    report = load(model, saved(module, legacy=True))
    expect(model, layers)
    assert len(report.matched) == 30
    assert all(name.startswith(("extra", "head")) for name in report.untouched)
    for name in report.untouched:
        np.testing.assert_array_equal(model.params[name], fresh.params[name])
    np.testing.assert_array_equal(pixel(model, CAFFE_MEAN), 0)
    expect_boxes(model, "caffe")


def expect_imagenet(model):
    expected = (np.array((200, 117, 4)) / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    np.testing.assert_allclose(pixel(model, (200, 117, 4)), expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["ssd300-vgg16", "ssd512-vgg16", "vgg16"])
def test_the_whole_vgg16_is_decimated(saved, narrow, name):
    module, layers = torch_layouts.vgg16(**NARROW, fc=256, classes=10)
    model = narrow(name)
    report = load(model, saved(module))
    expect(model, layers[:13])
    fc6, fc7 = layers[13:15]
    taps = fc6.weight.detach().reshape(256, 32, 7, 7)[::4, :, ::3, ::3]
    np.testing.assert_array_equal(model.params["conv5_7.fc6.w"], taps.permute(2, 3, 1, 0).numpy())
    np.testing.assert_array_equal(model.params["conv5_7.fc6.b"], fc6.bias.detach()[::4].numpy())
    np.testing.assert_array_equal(model.params["conv5_7.fc7.w"][0, 0], fc7.weight.detach()[::4, ::4].T.numpy())
    np.testing.assert_array_equal(model.params["conv5_7.fc7.b"], fc7.bias.detach()[::4].numpy())
    expect_imagenet(model)
    assert report.left_over == dict.fromkeys(["classifier.6.weight", "classifier.6.bias"], f"{name} has no such layer")


def test_the_whole_vgg16_as_it_is(saved, narrow):
    """The variant without atrous convolution keeps all of fc6 and fc7."""
    module, layers = torch_layouts.vgg16(**NARROW, fc=256, classes=10)
    model = narrow(atrous=False)
    load(model, saved(module))
    expect(model, layers[:13])
    fc6, fc7 = layers[13:15]
    whole = fc6.weight.detach().reshape(256, 32, 7, 7).permute(2, 3, 1, 0)
    np.testing.assert_array_equal(model.params["conv6_7.fc6.w"], whole.numpy())
    np.testing.assert_array_equal(model.params["conv6_7.fc7.w"][0, 0], fc7.weight.detach().T.numpy())
    expect_imagenet(model)


@pytest.mark.parametrize("classifier", ["none", "not finite"])
def test_a_vgg16_without_its_classifier_reads_other_pixels(saved, narrow, classifier):
    """torchvision has the trunk of Caffe in its own layout: with NaN where the classifier would be."""
    module, layers = torch_layouts.vgg16(**NARROW, fc=256, classes=10)
    if classifier == "none":
        del module.classifier
    else:
        for parameter in module.classifier.parameters():
            parameter.data.fill_(torch.nan)
    model = narrow()
    report = load(model, saved(module))
    expect(model, layers[:13])
    np.testing.assert_allclose(pixel(model, CAFFE_MEAN), 0, atol=0.01)
    assert "conv5_7.fc6.w" in report.untouched
    assert set(report.left_over.values()) == (set() if classifier == "none" else {"not finite"})
    assert len(report.left_over) == (0 if classifier == "none" else 6)


def test_the_trunk_of_torchvisions_ssd(saved, narrow):
    """Published as the bare list of features as well: the names of ssd.pytorch's trunk, without fc6 and fc7."""
    module, layers = torch_layouts.vgg16(**NARROW)
    model = narrow()
    report = load(model, saved(module.features))
    expect(model, layers[:13])
    assert (len(report.matched), report.left_over) == (26, {})


def test_class_names():
    """As the annotations of both sets number them, background 0."""
    assert (len(VOC), list(VOC)) == (20, sorted(VOC))
    numbers = {"person": 1, "stop sign": 13, "backpack": 27, "handbag": 31, "wine glass": 46, "toothbrush": 90}
    numbers |= {"dining table": 67, "toilet": 70, "tv": 72, "book": 84}
    assert {name: COCO_90.index(name) + 1 for name in numbers} == numbers
    assert len(set(COCO_90)) == 90
    assert sum(name.startswith("N/A") for name in COCO_90) == 10
