"""What does not fit is refused before anything changes, and what was loaded is told."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.numpy

from minissd.models import build
from minissd.training import save_checkpoint
from minissd.weights import load, load_model, options_for, save, start_from
from minissd.weights.mobilenet_v3_layouts import MOBILENET_V3
from minissd.weights.vgg_layouts import SSD_PYTORCH

CLASSES = ("a", "b")


def arrays_of(model):
    return model.params | model.buffers


def copies_of(model):
    return {name: array.copy() for name, array in arrays_of(model).items()}


def expect_equal(arrays, expected):
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def rewritten(path, *, metadata=None, **tensors):
    """Change entries of a safetensors file; None takes one away."""
    with safetensors.safe_open(path, framework="numpy") as file:
        described = file.metadata() | (metadata or {})
        stored = {name: file.get_tensor(name) for name in file.keys()} | tensors  # noqa: SIM118 (no mapping)
    stored = {name: tensor for name, tensor in stored.items() if tensor is not None}
    path.write_bytes(safetensors.numpy.save(stored, described))


def test_saved_and_loaded(trained, path):
    model = trained(input_size=96)
    save(model, path)
    other, report = load_model("ssd-tiny", path)
    expect_equal(arrays_of(other), arrays_of(model))
    assert (other.classes, other.input_size, other.options) == (CLASSES, 96, model.options)
    assert len(report.lines()) == 1
    images = np.full((1, 96, 96, 3), 200, np.uint8)
    for ours, theirs in zip(model.detect(images, score_threshold=0), other.detect(images, score_threshold=0)):
        for array, expected in zip(ours, theirs):
            np.testing.assert_array_equal(array, expected)


def test_the_boxes_of_a_saved_model_come_along(narrow, path):
    model = narrow(boxes="torchvision")
    save(model, path)
    other = narrow()
    load(other, path)
    np.testing.assert_array_equal(other.default_boxes, model.default_boxes)
    third = narrow()
    load(third, path, heads=False)
    np.testing.assert_array_equal(third.default_boxes, narrow().default_boxes)


def test_fitted_boxes_come_along_with_heads_unless_others_were_asked_for(trained, path):
    shapes = build("ssd-tiny", classes=CLASSES).spec.shapes
    shapes[0][0], others = [0.3, 0.03], shapes[::-1]
    model = trained(boxes=shapes)
    save(model, path)
    plain, fitted = build("ssd-tiny", classes=CLASSES), build("ssd-tiny", classes=CLASSES, boxes=others)
    start_from(plain, path)
    expect_equal(arrays_of(plain), arrays_of(model))
    np.testing.assert_array_equal(plain.default_boxes, model.default_boxes)
    assert plain.options["boxes"] == shapes
    fresh = copies_of(fitted)
    report = start_from(fitted, path)
    assert fitted.options["boxes"] == others and report.left_over["head0.offsets.w"]
    np.testing.assert_array_equal(fitted.params["head0.offsets.w"], fresh["head0.offsets.w"])
    np.testing.assert_array_equal(fitted.params["stage0.conv0.w"], model.params["stage0.conv0.w"])


def test_shapes_that_a_model_cannot_take(trained, narrow, path, refused):
    save(trained(boxes=[[[0.1, 0.2]]] * 4), path)
    with refused(path, "heads"):
        load(build("ssd-tiny", classes=CLASSES), path)
    with refused("ssd300-vgg16", "caffe, ssd.pytorch, torchvision"):
        narrow().set_boxes([[[0.1, 0.2]]] * 6)


def test_a_checkpoint(trained, path):
    model = trained()
    save_checkpoint(path, model, velocity={"stage0.conv0.w": np.ones(3, np.float32)}, step=3)
    other = build("ssd-tiny", classes=CLASSES)
    report = load(other, path)
    expect_equal(arrays_of(other), arrays_of(model))
    assert report.left_over == {"velocity/stage0.conv0.w": "momentum of a training run"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_plain_arrays_under_our_names(trained, tmp_path, dtype):
    model = trained()
    np.savez(tmp_path / "weights.npz", **model.params)
    other = build("ssd-tiny", classes=CLASSES, dtype=dtype)
    report = load(other, tmp_path / "weights.npz")
    expect_equal(other.params, model.params)
    assert other.params["head0.logits.w"].dtype == dtype
    assert set(report.untouched) == set(other.buffers)


def test_the_trunk_of_a_classifier(trained, path):
    classifier = trained("tiny", classes=("x", "y", "z"))
    save(classifier, path)
    detector = build("ssd-tiny", classes=CLASSES)
    report = load(detector, path)
    assert set(report.left_over) == {"classifier.w", "classifier.b"}
    assert set(report.untouched) == {name for name in detector.params if name.startswith("head")}
    for name in report.matched.values():
        np.testing.assert_array_equal(arrays_of(detector)[name], arrays_of(classifier)[name])


def test_heads_for_other_classes(trained, path, refused):
    model = trained(classes=[f"class {i}" for i in range(7)])
    save(model, path)
    other = build("ssd-tiny", classes=CLASSES)
    before = copies_of(other)
    with refused(path, "head0.logits.b", (48,), (18,), "the 7 classes of the file", "heads=False"):
        load(other, path)
    expect_equal(arrays_of(other), before)

    report = load(other, path, heads=False)
    for name, array in other.params.items():
        expected = before[name] if name.startswith("head") else model.params[name]
        np.testing.assert_array_equal(array, expected, err_msg=name)
    assert set(report.left_over.values()) == {"the heads stay as they are"}


def test_a_classifier_for_other_classes(trained, path, refused):
    save(trained("tiny", classes=("x", "y", "z")), path)
    with refused(path, "classifier.b", (3,), (2,), "the 3 classes of the file"):
        load(build("tiny", classes=CLASSES), path)


def test_classes_of_other_names_are_told(trained, path):
    save(trained(classes=("dog", "cat")), path)
    report = load(build("ssd-tiny", classes=CLASSES), path)
    assert report.lines()[1:] == ["classes by position: dog, cat in the file are a, b in the model"]


def test_classes_in_another_order_are_refused(trained, path, refused):
    save(trained(classes=("dog", "cat")), path)
    with refused(path, "its classes are dog, cat in this order"):
        load_model("ssd-tiny", path, classes=("cat", "dog"))
    assert load_model("ssd-tiny", path, classes=("dog", "cat"))[0].classes == ("dog", "cat")


WRONG = {
    "another shape": (np.ones((3, 3, 3, 17), np.float32), ("(3, 3, 3, 17)", "(3, 3, 3, 16)")),
    "a shape that would broadcast": (np.ones(1, np.float32), ("(1,)", "(3, 3, 3, 16)")),
    "whole numbers": (np.ones((3, 3, 3, 16), np.int64), ("int64", "float32")),
    "not a number": (np.full((3, 3, 3, 16), np.nan, np.float32), ("not finite",)),
    "too large for float32": (np.full((3, 3, 3, 16), 1e300), ("not finite in float32",)),
}


@pytest.mark.parametrize(("tensor", "parts"), WRONG.values(), ids=WRONG)
def test_one_wrong_tensor_and_nothing_changes(trained, path, refused, tensor, parts):
    save(trained(), path)
    rewritten(path, **{"stage0.conv0.w": tensor})
    model = build("ssd-tiny", classes=CLASSES)
    before = copies_of(model)
    with refused(path, "stage0.conv0.w", *parts):
        load(model, path)
    expect_equal(arrays_of(model), before)


def test_an_unknown_layout(tmp_path, refused):
    np.savez(tmp_path / "weights.npz", **{f"encoder.{i}.weight": np.ones(3) for i in range(5)})
    parts = "encoder.0.weight", "and 2 more", "torchvision ssd300_vgg16", "minissd"
    with refused(tmp_path / "weights.npz", *parts):
        load(build("ssd-tiny", classes=CLASSES), tmp_path / "weights.npz")


def test_weights_of_another_network(tmp_path, refused):
    """The heads of ssd-tiny have the names of those of an SSD300, but nothing else is there."""
    tensors = dict.fromkeys(SSD_PYTORCH.names, np.ones((2, 2, 3, 3), np.float32))
    np.savez(tmp_path / "weights.npz", **tensors)
    with refused("ssd.pytorch ssd300", "ssd-tiny has none of its layers", "load it into ssd300-vgg16"):
        load(build("ssd-tiny", classes=CLASSES), tmp_path / "weights.npz")
    del tensors["vgg.2.bias"]
    np.savez(tmp_path / "weights.npz", **tensors)
    with refused("has the names of ssd.pytorch ssd300, but lacks vgg.2.bias: fetch it again"):
        load(build("ssd300-vgg16", classes=CLASSES), tmp_path / "weights.npz")


def test_a_model_without_known_classes(trained, tmp_path, refused):
    np.savez(tmp_path / "weights.npz", **trained().params)
    with refused(tmp_path / "weights.npz", "does not say which classes"):
        load_model("ssd-tiny", tmp_path / "weights.npz")
    model, _ = load_model("ssd-tiny", tmp_path / "weights.npz", classes=CLASSES)
    assert model.classes == CLASSES


METADATA = {
    "classes that are no JSON": {"classes": "a, b"},
    "classes that are numbers": {"classes": "[1, 2]"},
    "options that are a list": {"options": "[1]"},
    "an option nobody knows": {"options": json.dumps({"depth": 3})},
    "an input size in words": {"options": json.dumps({"input_size": "96"})},
    "a dtype that is none": {"options": json.dumps({"dtype": "float33"})},
    "brackets without end": {"options": "[" * 100_000},
}


@pytest.mark.parametrize("metadata", METADATA.values(), ids=METADATA)
def test_a_damaged_description(trained, path, refused, metadata):
    save(trained(), path)
    rewritten(path, metadata=metadata)
    with refused(path):
        load_model("ssd-tiny", path)


@pytest.mark.parametrize("name", ["no.pth", "no.safetensors", "no.npz", "no/folder.pt"])
def test_a_missing_file(tmp_path, refused, name):
    with refused(tmp_path / name, "no such file"):
        load(build("ssd-tiny", classes=CLASSES), tmp_path / name)


def test_what_is_no_weights_file(tmp_path, refused):
    (tmp_path / "weights.safetensors").write_bytes(b"no")
    (tmp_path / "picture.png").write_bytes(b"no")
    (tmp_path / "folder.pth").mkdir()
    for name, why in (("weights.safetensors", "damaged"), ("picture.png", ".pth"), ("folder.pth", "is a folder")):
        with refused(tmp_path / name, why):
            load(build("ssd-tiny", classes=CLASSES), tmp_path / name)


def test_saving_what_is_not_finite(trained, path, refused):
    model = trained()
    model.params["head0.logits.b"][0] = np.inf
    with refused(path, "head0.logits.b", "not finite"):
        save(model, path)
    assert not path.exists()


def test_saving_under_another_suffix(trained, tmp_path, refused):
    with refused(tmp_path / "weights.pth", ".safetensors"):
        save(trained(), tmp_path / "weights.pth")


def test_arrays_on_a_card(strict, tmp_path):
    """They stay there, and the file's come from host memory."""
    np.savez(tmp_path / "weights.npz", **{"conv.w": np.arange(6.0).reshape(2, 3)})
    on_card = strict.asarray(np.zeros((2, 3), np.float32))
    model = SimpleNamespace(name="model", classes=("a",), task="classify", params={"conv.w": on_card}, buffers={})
    load(model, tmp_path / "weights.npz")
    assert model.params["conv.w"] is on_card
    np.testing.assert_array_equal(strict.asnumpy(on_card), np.arange(6).reshape(2, 3))


def test_the_options_that_a_file_needs(path, tmp_path):
    """The trunk of MobileNetV3 that was trained on ImageNet has all of its tail."""
    np.savez(tmp_path / "imagenet.npz", **dict.fromkeys(MOBILENET_V3.names, np.ones(1, np.float32)))
    for name in ("ssdlite320-mobilenet-v3", "mobilenet-v3"):
        assert options_for(name, tmp_path / "imagenet.npz") == {"reduced_tail": False}
    assert options_for("ssd-tiny", tmp_path / "imagenet.npz") == {}
    save(build("mobilenet-v3", classes=CLASSES, input_size=64, reduced_tail=False), path)
    assert options_for("ssdlite320-mobilenet-v3", path) == {"reduced_tail": False}
    assert options_for("ssd-tiny", path) == {}
