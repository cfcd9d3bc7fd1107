"""Networks as ONNX graphs: onnxruntime computes what minissd does, on photographs too."""

import json

import numpy as np
import pytest
from awakened_models import awakened
from weights.conftest import narrow  # noqa: F401 (a fixture)

from minissd.data import read_image
from minissd.data.bilinear import FINE
from minissd.export import export_onnx, onnx_model
from minissd.layers import AvgPool2d, Layer, LeakyReLU, Sequential, Sigmoid, SpatialDropout, Upsample2d
from minissd.models import build

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'minissd[onnx]'")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

CLASSES = ("a", "b", "c")
SSDS = [
    ("ssd-tiny", {"input_size": 65}),
    ("ssd-tiny", {"input_size": 64, "sampling": "strides"}),
    ("ssd-small", {"input_size": 64}),
    ("ssd300-vgg16", {"batch_norm": True}),
    ("ssd300-vgg16", {"boxes": "ssd.pytorch"}),
    ("ssd300-mobilenet", {}),
    ("ssdlite320-mobilenet-v3", {"boxes": "torchvision"}),
]


def computed(proto, images):
    """{name: output} of a graph.  images: as `model.resized` has them, one above the other."""
    images = images if images.dtype == np.uint8 else (images / FINE).astype(np.float32)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, {"images": images})))


@pytest.fixture
def photographs(shared):
    return [read_image(shared / f"data/voc-mini/JPEGImages/{name}.jpg") for name in ("000003", "000005")]


@pytest.mark.parametrize(("name", "options"), SSDS, ids=lambda value: str(value))
def test_the_same_outputs_and_detections_on_photographs(name, options, narrow, photographs):  # noqa: F811
    model = awakened(narrow(name, classes=CLASSES, **options))
    images = np.stack([model.resized(image) for image in photographs])
    offsets, logits = model.infer(images)
    found = computed(onnx_model(model, "outputs"), images)
    for ours, key in ((offsets, "offsets"), (logits, "logits")):
        np.testing.assert_allclose(found[key], ours, atol=2e-5 * np.abs(ours).max())
    for key, array in model.params.items():  # of some boxes the network is sure
        if key.startswith("head") and (".logits" in key or ".offsets" in key):
            array *= 4 / np.abs(logits).max()
    found = computed(onnx_model(model, "detections"), images)
    for i, ours in enumerate(model.detect(images)):
        count = found["count"][i]
        assert count == len(ours.scores) > 50
        np.testing.assert_allclose(found["scores"][i, :count], ours.scores, atol=1e-5)
        assert not found["scores"][i, count:].any()
        matched = 0
        for label, score, box in zip(ours.labels, ours.scores, ours.corners):
            near = (found["labels"][i] == label) & (np.abs(found["scores"][i] - score) < 1e-5)
            matched += (np.abs(found["boxes"][i][near] - box).max(axis=1) < 1e-4).any() if near.any() else False
        assert matched == count  # equal scores may change places


def test_boxes_and_scores_before_nms_and_any_number_of_images():
    model = awakened(build("ssd-tiny", classes=CLASSES, input_size=64))
    proto = onnx_model(model)
    for count in (1, 3):
        images = np.random.default_rng(count).integers(0, 256, (count, 64, 64, 3), np.uint8)
        found = computed(proto, images)
        assert found["boxes"].shape == (count, len(model.default_boxes), 4)
        assert found["scores"].shape == (count, len(model.default_boxes), 3)
        best = model.detect(images, limit=1)
        for i, one in enumerate(best):
            place, label = np.unravel_index(found["scores"][i].argmax(), found["scores"][i].shape)
            assert label == one.labels[0]
            np.testing.assert_allclose(found["boxes"][i, place], one.corners[0], atol=1e-5)


def test_nothing_is_found_in_an_image_of_nothing():
    model = build("ssd-tiny", classes=CLASSES, input_size=64)
    for i in range(4):
        model.params[f"head{i}.logits.b"].reshape(-1, 4)[:, 0] = 50  # the background
    found = computed(onnx_model(model, "detections"), np.zeros((2, 64, 64, 3), np.uint8))
    assert found["count"].tolist() == [0, 0] and not found["scores"].any()


@pytest.mark.parametrize("name", ["lenet5", "mlp", "slant", "tiny", "mobilenet", "mobilenet-v3", "unet"])
def test_other_networks(name, photographs):
    options = {"input_size": 64} if name in ("tiny", "mobilenet", "mobilenet-v3", "unet") else {}
    model = awakened(build(name, classes=CLASSES, **options))
    images = np.stack([model.resized(image) for image in photographs])
    (found,) = computed(onnx_model(model), images).values()
    if name == "unet":
        expected = model.segment(images)
    else:
        expected = model.infer(images) if name == "slant" else model.classify(images)
    np.testing.assert_allclose(found, expected, atol=3e-5)


def test_layers_that_no_published_network_has():
    model = build("ssd-tiny", classes=CLASSES, input_size=64)
    model.stages["stage1"] = Sequential(
        mean=AvgPool2d(3, stride=2, pad=1),
        leaky=LeakyReLU(0.2),
        up=Upsample2d(2),
        half=AvgPool2d(2),
        drop=SpatialDropout(0.5),
        gate=Sigmoid(),
        widen=model.stages["stage1"].layers["conv1"],
    )
    model.stages["stage1"].layers["widen"].params["w"] = model.stages["stage1"].layers["widen"].params["w"][:, :, :96]
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    found = computed(onnx_model(model, "outputs"), images)
    for ours, key in zip(model.infer(images), ("offsets", "logits")):
        np.testing.assert_allclose(found[key], ours, atol=2e-5 * np.abs(ours).max())


def test_what_the_metadata_say(tmp_path):
    model = build("ssd-tiny", classes=("Katze", "猫"), input_size=64)
    model.thresholds = {"猫": 0.25}
    export_onnx(model, tmp_path / "model.onnx", nms=True)
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["classes"]) == ["Katze", "猫"]
    assert json.loads(metadata["thresholds"]) == {"猫": 0.25}
    assert "(N, 64, 64, 3)" in metadata["input"] and "Image.resize((64, 64)" in metadata["input"]
    assert [one.shape for one in session.get_inputs()] == [["N", 64, 64, 3]]
    first = (tmp_path / "model.onnx").read_bytes()
    export_onnx(model, tmp_path / "model.onnx", nms=True)
    assert (tmp_path / "model.onnx").read_bytes() == first


def test_the_resizing_that_is_stated_is_ours(photographs):
    from PIL import Image

    model = build("ssd-tiny", classes=CLASSES, input_size=64)
    stated = Image.fromarray(photographs[0]).resize((64, 64), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(model.resized(photographs[0]), stated)


class Unknown(Layer):
    pass


def test_what_has_no_form_there_is_refused_and_nothing_is_written(tmp_path, refused):
    with refused("yolo-tiny is not exported to ONNX", "SSD"):
        export_onnx(build("yolo-tiny", classes=CLASSES), tmp_path / "a.onnx")
    with refused("lenet5", "--nms"):
        export_onnx(build("lenet5", classes=CLASSES), tmp_path / "a.onnx", nms=True)
    model = build("ssd-tiny", classes=CLASSES, input_size=64)
    with refused("a.pb", ".onnx"):
        export_onnx(model, tmp_path / "a.pb")
    model.stages["stage0"].layers["conv1"] = Unknown()
    with refused("stage0.conv1: Unknown has no form in ONNX"):
        export_onnx(model, tmp_path / "a.onnx")
    model.params["head0.logits.w"][0] = np.inf
    with refused("head0.logits.w", "not finite"):
        export_onnx(model, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_without_onnx(tmp_path, refused, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with refused("needs the onnx package", "minissd[onnx]"):
        export_onnx(build("ssd-tiny", classes=CLASSES, input_size=64), tmp_path / "a.onnx")
