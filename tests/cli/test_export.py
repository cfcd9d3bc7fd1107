"""`minissd export`: from a run, a checkpoint or published weights to a file for others, by the command line."""

import pytest

from minissd.models import build
from minissd.training import save_checkpoint
from minissd.weights import load_model


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "last.safetensors"
    save_checkpoint(path, build("ssdlite320-mobilenet-v3", classes=("cat", "dog")))
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny") / "last.safetensors"
    save_checkpoint(path, build("ssd-tiny", classes=("cat", "dog"), input_size=64))
    return path


def test_a_run_for_torchvision_and_back(minissd, checkpoint, tmp_path):
    first, second = tmp_path / "lite.pth", tmp_path / "again.pth"
    outcome = minissd("export", checkpoint.parent, "--to", "torchvision", "--out", first)
    assert outcome.status == 0, outcome
    assert f"ssdlite320-mobilenet-v3 for torchvision: {first}" in outcome.out
    assert "num_classes=3)" in outcome.out and f"torch.load('{first}', weights_only=True)" in outcome.out
    assert load_model(None, first)[0].classes == ("cat", "dog")
    assert minissd("export", first, "--to", "torchvision", "--out", second).status == 0
    assert first.read_bytes() == second.read_bytes()


def test_a_graph(minissd, tiny, tmp_path):
    pytest.importorskip("onnx")
    outcome = minissd("export", "--checkpoint", tiny, "--to", "onnx", "--out", tmp_path / "tiny.onnx", "--nms")
    assert outcome.status == 0, outcome
    assert 'classes: ["cat", "dog"]' in outcome.out and "images (N, 64, 64, 3)" in outcome.out
    assert (tmp_path / "tiny.onnx").stat().st_size > 1e6


def test_refusals(refused, minissd, tiny, tmp_path):
    out = tmp_path / "out.pth"
    refused(["torchvision has no ssd-tiny", "--to onnx"], "export", tiny, "--to", "torchvision", "--out", out)
    refused(["nothing.pth", "no such file"], "export", "nothing.pth", "--to", "torchvision", "--out", out)
    refused([tmp_path, "no ordinary file"], "export", tiny, "--to", "torchvision", "--out", tmp_path)
    refused(["--nms is for --to onnx"], "export", tiny, "--to", "torchvision", "--out", out, "--nms")
    refused(["out.pth", "ends with .onnx"], "export", tiny, "--to", "onnx", "--out", out)
    refused(["voc is a format of detections", "--save voc"], "export", tiny, "--to", "voc", "--out", out)
    assert minissd("export", tiny, "--to", "caffe2", "--out", out).status == 2
    for source in ((), (tiny, "--checkpoint", tiny)):
        assert minissd("export", *source, "--to", "onnx", "--out", out).status == 2
    assert not out.exists()
