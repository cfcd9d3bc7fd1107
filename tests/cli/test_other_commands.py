import subprocess
import sys

import pytest
from PIL import Image

from minissd import __version__, checks


def test_version_and_help(minissd):
    assert minissd("--version").out.strip() == f"minissd {__version__}"
    text = minissd("--help").out
    for command in ("demo", "train", "evaluate", "detect", "gradcheck", "bench", "fetch", "doctor"):
        assert command in text


def test_wrong_usage_has_status_2(minissd):
    assert minissd("trian").status == 2
    assert minissd("train", "--epochs", "many").status == 2
    assert minissd("evaluate").status == 2  # --checkpoint is missing


def test_python_dash_m_runs_the_same_command():
    outcome = subprocess.run([sys.executable, "-m", "minissd", "--version"], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == f"minissd {__version__}"


def test_gradcheck_prints_a_verdict_for_each_backward_pass(minissd):
    outcome = minissd("gradcheck", "--only", "conv2d")
    assert outcome.status == 0
    assert outcome.out.count("right") == sum("conv2d" in name for name in checks.CASES)


def test_gradcheck_fails_with_a_diagnosis(minissd, monkeypatch):
    def doubled(rng):
        forward, backward, inputs = checks.CASES["sigmoid"](rng)
        return forward, lambda dy, cache: 2 * backward(dy, cache), inputs

    monkeypatch.setitem(checks.CASES, "sigmoid, doubled", doubled)
    outcome = minissd("gradcheck", "--only", "sigmoid")
    assert outcome.status == 1
    assert "sigmoid, doubled" in outcome.err and "2" in outcome.err
    assert "wrong" in outcome.out and "right" in outcome.out


def test_gradcheck_of_nothing(refused):
    refused(["no check", "conv2d"], "gradcheck", "--only", "transformer")


def test_doctor_names_versions(minissd):
    import numpy as np

    assert np.__version__ in minissd("doctor").out


def test_fetch_refuses_what_it_does_not_know(refused):
    refused(["imagenet", "voc2007"], "fetch", "imagenet")


@pytest.mark.parametrize("seed", [0])
def test_demo_makes_every_picture(minissd, monkeypatch, tmp_path, seed):
    from minissd.cli import demo

    monkeypatch.setattr(demo, "SIZE", 64)
    monkeypatch.setattr(demo, "TRAIN_IMAGES", 16)
    monkeypatch.setattr(demo, "TEST_IMAGES", 4)
    monkeypatch.setattr(demo, "EPOCHS", 1)
    outcome = minissd("demo", "--out", tmp_path / "demo", "--seed", seed)
    assert outcome.status == 0, outcome.err
    pictures = {"detections", "loss", "precision_recall", "average_precision", "default_boxes", "matched_boxes"}
    assert {file.stem for file in (tmp_path / "demo").glob("*.png")} == pictures
    for picture in (tmp_path / "demo").glob("*.png"):
        Image.open(picture).verify()
    assert (tmp_path / "demo" / "metrics.json").exists()
