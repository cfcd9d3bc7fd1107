"""Weights to start a training from: what fits is taken over, class by class, and what does not is told."""

import numpy as np
import pytest

from minissd.models import build
from minissd.weights import load_model, save, start_from

OLD, NEW = ("a", "b", "c"), ("c", "d", "a")
BOTH = {0: 2, 2: 0}  # label among NEW -> label among OLD


@pytest.fixture
def path(tmp_path):
    return tmp_path / "old.safetensors"


@pytest.fixture
def pair(path, rng):
    """pair(name, classes, ...) -> (a network of OLD that was saved to `path`, a fresh one of other classes)."""

    def make(name, classes=NEW, old=OLD, **options):
        model = build(name, classes=old, dtype="float64", **options)
        for array in (model.params | model.buffers).values():
            array += 0.1 * rng.random(array.shape)
        save(model, path)
        return model, build(name, classes=classes, seed=1, dtype="float64", **options)

    return make


def scores(model, images):
    """(..., classes) what the network says of its classes, and a list of all else that it says."""
    outputs, _ = model.forward(images)
    if model.task != "detect":
        return outputs, []
    boxes, of_classes = outputs
    if hasattr(model, "anchors"):  # YOLO
        return of_classes, [boxes]
    return of_classes[..., 1:], [boxes, of_classes[..., 0]]


NETWORKS = {
    "ssd-tiny": {"input_size": 64},
    "yolo-tiny": {"input_size": 64, "anchors": True},
    "yolo-v1": {"width_multiplier": 1 / 64},
    "tiny": {"input_size": 64},
    "mlp": {"width": 8},
    "unet": {"input_size": 32, "width": 2},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_classes_of_the_same_name_say_what_they_said(pair, path, rng, name):
    old, new = pair(name, **NETWORKS[name])
    fresh = {key: array.copy() for key, array in new.params.items()}
    report = start_from(new, path)
    images = rng.integers(0, 256, (2, old.input_size, old.input_size, old.channels), np.uint8)
    (was, others_were), (now, others) = scores(old, images), scores(new, images)
    for label, before in BOTH.items():
        np.testing.assert_allclose(now[..., label], was[..., before], rtol=1e-9, atol=1e-12)
    for one, other in zip(others, others_were, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    assert not np.allclose(now[..., 1], was[..., 1])  # "d" is no "b"
    for key, array in new.params.items():  # but as it was drawn
        label = new.class_of_outputs(key, len(NEW), array.shape[-1])
        if label is not None:
            np.testing.assert_array_equal(array[..., label == 1], fresh[key][..., label == 1])
    assert report.lines()[1:] == ["classes of the file: a, b, c; of these kept: c, a; drawn anew: d"]


def test_without_a_class_in_common_the_heads_stay_fresh(pair, path):
    old, new = pair("ssd-tiny", classes=("x", "y", "z"), input_size=64)
    fresh = {key: array.copy() for key, array in new.params.items()}
    report = start_from(new, path)
    for name, array in new.params.items():
        np.testing.assert_array_equal(array, (fresh if name.startswith("head") else old.params)[name])
    assert "of these kept: none; drawn anew: x, y, z" in str(report)


def test_another_input_size(pair, path):
    old, _ = pair("ssd-tiny", input_size=64)
    new = build("ssd-tiny", classes=OLD, input_size=96, dtype="float64")
    report = start_from(new, path)
    for name, array in (new.params | new.buffers).items():
        np.testing.assert_array_equal(array, (old.params | old.buffers)[name])
    assert report.lines()[1:] == ["trained at 64 pixels, now 96"]


def test_what_has_another_shape_is_told(pair, path):
    """The cells of a yolo-tiny with anchors say more."""
    pair("yolo-tiny", input_size=64, anchors=True)
    report = start_from(build("yolo-tiny", classes=NEW, input_size=64), path)
    assert report.left_over == dict.fromkeys(("cells.w", "cells.b"), "of another shape")
    assert "top.conv1.w" in report.matched


def test_weights_of_another_network_are_refused(pair, path, refused):
    pair("unet", input_size=32, width=2)
    ssd = build("ssd-tiny", classes=NEW, input_size=64)
    before = {name: array.copy() for name, array in ssd.params.items()}
    with refused(path, "holds unet", "to be trained is ssd-tiny"):
        start_from(ssd, path)
    for name, array in ssd.params.items():
        np.testing.assert_array_equal(array, before[name])
    with refused(path, "unet (width 2)", "to be trained is unet (width 3)"):
        start_from(build("unet", classes=OLD, input_size=32, width=3), path)


def test_some_of_the_classes_of_published_weights(narrow, rng, tmp_path):
    torch = pytest.importorskip("torch")
    from weights import torch_layouts

    module, _ = torch_layouts.ssd_pytorch(widths=((4, 4), (8, 8), (16,) * 3, (32,) * 3, (32,) * 3), fc=64)
    torch.save(module.state_dict(), tmp_path / "published.pth")
    whole, _ = load_model("ssd300-vgg16", tmp_path / "published.pth")
    some = narrow(classes=("dog", "person", "unicorn"))
    start_from(some, tmp_path / "published.pth")
    images = rng.integers(0, 256, (1, 300, 300, 3), np.uint8)
    (offsets, logits), (expected, of_all) = some.infer(images), whole.infer(images)
    places = [0, *(1 + whole.classes.index(name) for name in ("dog", "person"))]
    np.testing.assert_allclose(logits[..., :3], of_all[..., places], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(offsets, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(some.default_boxes, whole.default_boxes)
