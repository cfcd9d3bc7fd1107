"""Weights out again: what PyTorch's own code loads, key for key, and what is read back here."""

import json
import zipfile

import numpy as np
import pytest
from awakened_models import awakened

from minissd.models import build
from minissd.weights import TARGETS, export, load_model, start_from
from minissd.weights.exporting import state_dict, target_for
from minissd.weights.torch_file import DESCRIPTION

torch = pytest.importorskip("torch")
from weights import torch_layouts  # noqa: E402 (needs torch)
from weights.conftest import GROUPS  # noqa: E402 (needs torch)

NARROW = {"widths": GROUPS, "fc": 64}
CLASSES = ("a", "b")


def images(model):
    return np.random.default_rng(0).integers(0, 256, (1, model.input_size, model.input_size, 3), np.uint8)


def loaded(path):
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize(
    ("program", "theirs"), [("torchvision", torch_layouts.torchvision_ssd), ("ssd.pytorch", torch_layouts.ssd_pytorch)]
)
def test_in_and_out_again_gives_the_same_file(program, theirs, narrow, tmp_path):
    module, _ = theirs(**NARROW, outputs=len(CLASSES) + 1)
    torch.save(module.state_dict(), tmp_path / "theirs.pth")
    model, _ = load_model("ssd300-vgg16", tmp_path / "theirs.pth", classes=CLASSES)
    export(model, tmp_path / "ours.pth", program)
    tensors, expected = loaded(tmp_path / "ours.pth"), module.state_dict()
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[name], tensor) for name, tensor in expected.items())
    module.load_state_dict(tensors, strict=True)


def test_qfgaohao_in_and_out_again(tmp_path):
    pytest.importorskip("cv2")
    import torch_mobilenet_ssd as twins

    model = awakened(build("ssd300-mobilenet", classes=CLASSES))
    lines = export(model, tmp_path / "ours.pth", "qfgaohao")
    assert "create_mobilenetv1_ssd(3, is_test=True)" in lines[1]
    twin = twins.MobileNetSSD(len(CLASSES))
    twin.load_state_dict(loaded(tmp_path / "ours.pth"), strict=True)
    x = images(model)
    with torch.no_grad():
        theirs = twin.eval()(torch.tensor((x.transpose(0, 3, 1, 2).astype(np.float32) - 127) / 128))
    for ours, tensor in zip(model.infer(x), theirs):
        np.testing.assert_allclose(ours, tensor, atol=1e-5 * float(tensor.abs().max()))


def test_torchvision_finds_the_same_in_a_photograph_by_the_lines_that_are_printed(tmp_path, shared):
    import torchvision_peer as peer

    from minissd.data import read_image

    model = awakened(build("ssdlite320-mobilenet-v3", classes=CLASSES, boxes="torchvision"))
    for name, array in model.params.items():
        if ".outputs." in name:
            array *= 0.2
    lines = export(model, tmp_path / "ours.pth", "torchvision")
    names = {}
    exec("\n".join(lines), names)
    image = read_image(shared / "data/voc-mini/JPEGImages/000005.jpg")
    labels, scores, boxes = peer.detections(names["model"].eval(), image)
    ours = model.predict(image, score=model.usage.score_threshold)
    assert len(ours.scores) == len(scores) > 100
    for label, score, box in zip(labels, scores, boxes):
        near = [i for i, one in enumerate(ours.names) if one == CLASSES[label - 1]]
        near = [i for i in near if abs(ours.scores[i] - score) < 1e-4]
        assert any(np.abs(ours.boxes[i] - box).max() < 0.1 for i in near), (label, score, box)


def test_the_lines_for_torchvision_tell_it_boxes_and_pixels(tmp_path):
    """SSD300 whole: every name and shape of torchvision's, and the default boxes and pixels of ours."""
    import torchvision_peer as peer

    model = build("ssd300-vgg16", classes=CLASSES)
    model.buffers["pixels.scale"][...] = 1 / 58
    target = target_for(model, "torchvision")
    lines = [line for line in target.program(model, "x.pth") if "load" not in line]
    names = {}
    with torch.device("meta"):
        exec("\n".join(lines), names)
    network, tensors = names["model"], state_dict(model, target.layout)
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == {
        name: array.shape for name, array in tensors.items()
    }
    maps = [torch.zeros(1, 1, *one.size) for one in model.spec.maps]
    image = peer.detection.image_list.ImageList(torch.zeros(1, 3, 300, 300), [(300, 300)])
    (anchors,) = network.anchor_generator(image, maps)
    centers = model.default_boxes
    corners = np.concatenate([centers[:, :2] - centers[:, 2:] / 2, centers[:, :2] + centers[:, 2:] / 2], axis=1)
    np.testing.assert_allclose(300 * corners, anchors, atol=1e-3)
    pixel = np.array([[[10, 120, 250]]], np.float32)
    normalized = network.transform.normalize(torch.tensor(pixel).permute(2, 0, 1) / 255)
    np.testing.assert_allclose(normalized[:, 0, 0], (pixel[0, 0] - (123, 117, 104)) / 58, rtol=1e-5)


@pytest.mark.parametrize("program", ["torchvision", "ssd.pytorch"])
def test_batch_norm_is_folded_and_the_file_is_read_back(program, narrow, tmp_path):
    model = awakened(narrow(batch_norm=True, classes=CLASSES))
    model.thresholds = {"a": 0.25}
    path = tmp_path / "ours.pth"
    export(model, path, program)
    back, report = load_model(None, path)
    assert not (report.left_over or report.untouched)
    assert (back.name, back.classes, back.boxes, back.usage) == (model.name, CLASSES, "caffe", model.usage)
    assert back.thresholds == {"a": 0.25} and load_model(None, path, classes=("c", "d"))[0].thresholds == {}
    for ours, again in zip(model.infer(images(model)), back.infer(images(model))):
        np.testing.assert_allclose(again, ours, atol=1e-4 * np.abs(ours).max())
    again = narrow(classes=("b", "c"))
    assert "of these kept: b" in "\n".join(start_from(again, path).notes)


def test_pixels_and_a_whole_tail_are_read_back(tmp_path):
    model = build("ssdlite320-mobilenet-v3", classes=CLASSES, reduced_tail=False)
    model.buffers["pixels.mean"][...] = (100, 110, 120)
    lines = export(model, tmp_path / "ours.pth", "torchvision")
    assert 'weights_backbone="DEFAULT"' in lines[1] and "image_mean=[0.39215686, 0.43137255, 0.47058824]" in lines[1]
    back, _ = load_model(None, tmp_path / "ours.pth")
    np.testing.assert_array_equal(back.buffers["pixels.mean"], (100, 110, 120))
    for ours, again in zip(model.infer(images(model)), back.infer(images(model))):
        np.testing.assert_array_equal(again, ours)


def test_the_same_weights_make_the_same_file_and_pytorch_may_map_it(narrow, tmp_path):
    for name in ("one.pth", "other.pth"):
        export(narrow(), tmp_path / name, "ssd.pytorch")
    assert (tmp_path / "one.pth").read_bytes() == (tmp_path / "other.pth").read_bytes()
    mapped = torch.load(tmp_path / "one.pth", weights_only=True, mmap=True)
    assert all(torch.equal(mapped[name], tensor) for name, tensor in loaded(tmp_path / "one.pth").items())


@pytest.mark.parametrize(
    ("name", "options", "program", "parts"),
    [
        ("ssd-tiny", {}, "torchvision", ("torchvision has no ssd-tiny", "ssd300-vgg16", "--to onnx")),
        ("lenet5", {}, "qfgaohao", ("qfgaohao has no lenet5",)),
        ("ssd300-mobilenet", {"boxes": "caffe"}, "qfgaohao", ("'caffe'", "--boxes qfgaohao")),
        ("ssd300-vgg16", {"boxes": "torchvision"}, "ssd.pytorch", ("'torchvision'", "--boxes ssd.pytorch")),
        ("ssd300-vgg16", {"atrous": False}, "ssd.pytorch", ("built otherwise", "conv9_2", "--to onnx")),
    ],
)
def test_what_a_program_cannot_hold_is_refused(name, options, program, parts, narrow, tmp_path, refused):
    with refused(*parts):
        export(narrow(name, **options), tmp_path / "ours.pth", program)
    assert not list(tmp_path.iterdir())


def test_fitted_boxes_other_pixels_and_numbers_that_are_not_finite_are_refused(narrow, tmp_path, refused):
    shapes = [[[0.1 + i / 10, 0.2]] * 6 for i in range(6)]
    with refused("fitted to its data", "torchvision"):
        export(build("ssdlite320-mobilenet-v3", classes=CLASSES, boxes=shapes), tmp_path / "a.pth", "torchvision")
    model = narrow()
    model.buffers["pixels.scale"][...] = 0.5
    with refused("scales its pixels", "--to torchvision"):
        export(model, tmp_path / "a.pth", "ssd.pytorch")
    model = narrow()
    model.params["extra7.conv7_1.w"][0, 0, 0, 0] = np.nan
    with refused("extra7.conv7_1.w", "not finite"):
        export(model, tmp_path / "a.pth", "ssd.pytorch")
    with refused("weights.bin", ".pth"):
        export(narrow(), tmp_path / "weights.bin", "ssd.pytorch")
    assert not list(tmp_path.iterdir())


def test_a_damaged_description_is_told(narrow, tmp_path, refused):
    export(narrow(), tmp_path / "a.pth", "ssd.pytorch")
    with zipfile.ZipFile(tmp_path / "a.pth") as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    described = json.loads(parts[f"archive/{DESCRIPTION}"])
    for damaged in (b"[1]", b"{", json.dumps(described | {"pixels": "[[1]]"}).encode()):
        with zipfile.ZipFile(tmp_path / "b.pth", "w") as archive:
            for name, content in (parts | {f"archive/{DESCRIPTION}": damaged}).items():
                archive.writestr(name, content)
        with refused("b.pth", "its description is damaged"):
            load_model(None, tmp_path / "b.pth")


def test_every_layout_that_is_written_is_one_that_is_read():
    from minissd.weights import LAYOUTS

    for networks in TARGETS.values():
        for name, target in networks.items():
            assert target.layout in LAYOUTS and target.layout.models[0] == name
            assert len(set(target.layout.names.values())) == len(target.layout.names)
