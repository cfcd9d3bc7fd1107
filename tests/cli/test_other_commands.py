import errno
import importlib.metadata
import os
import subprocess
import sys
import tempfile

import matplotlib
import numpy as np
import PIL
import pytest
from PIL import Image

from minissd import __version__
from minissd.cli.console import console
from minissd.cli.main import _in_words
from minissd.cli.results import DetectionResults
from minissd.gradcheck import cases as checks


def test_version_and_help(minissd):
    assert minissd("--version").out.strip() == f"minissd {__version__}"
    text = minissd("--help").out
    for command in ("demo", "train", "evaluate", "detect", "gradcheck", "bench", "fetch", "doctor"):
        assert command in text


def test_wrong_usage_has_status_2(minissd):
    assert minissd("trian").status == 2
    assert minissd("train", "--epochs", "many").status == 2
    assert minissd("evaluate").status == 2  # --checkpoint is missing


def test_a_full_disk_of_which_nothing_is_known_but_that():
    words = _in_words(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert words.startswith(f"a file: {os.strerror(errno.ENOSPC)}: delete or move") and tempfile.gettempdir() in words


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


@pytest.fixture
def doctor(minissd, monkeypatch):
    """What doctor says, a line a row."""
    monkeypatch.setattr(console, "_width", 400)

    def rows():
        lines = [line.strip("│ ").split("│") for line in minissd("doctor").out.splitlines() if line.startswith("│")]
        return {what.strip(): value.strip() for what, value in lines}

    return rows


def test_doctor_names_versions_and_folders(doctor, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    rows = doctor()
    assert rows["NumPy"].startswith(np.__version__) and rows["NumPy"].endswith("OPENBLAS_NUM_THREADS=1")
    assert __version__ in rows["minissd"] and sys.executable in rows["Python"] and rows["memory"].endswith("GiB")
    for name, version in {"pillow": PIL.__version__, "matplotlib": matplotlib.__version__}.items():
        assert f"{name} {version}" in rows["libraries"]
    assert rows["downloads"] == f"{tmp_path / 'minissd'}, can be written"
    assert tempfile.gettempdir() in rows["temporary"] and "free" in rows["temporary"]


def test_doctor_says_what_does_not_work(doctor, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    rows = doctor()
    assert str(tmp_path / "file") in rows["downloads"] and "cannot be written" in rows["downloads"]
    assert "not installed" in rows["video"] and "not installed" in rows["mpi4py"]


def not_installed(name):
    raise importlib.metadata.PackageNotFoundError(name)


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
    pictures |= {"thresholds"}
    assert {file.stem for file in (tmp_path / "demo").glob("*.png")} == pictures
    for picture in (tmp_path / "demo").glob("*.png"):
        Image.open(picture).verify()
    assert (tmp_path / "demo" / "metrics.json").exists()


def test_a_demo_replaces_an_earlier_one_and_no_other_run(minissd, refused, trained, monkeypatch, tmp_path):
    from minissd.cli import demo

    for name, value in (("SIZE", 64), ("TRAIN_IMAGES", 16), ("TEST_IMAGES", 4), ("EPOCHS", 1)):
        monkeypatch.setattr(demo, name, value)
    monkeypatch.setattr(DetectionResults, "draw", lambda *_, **__: None)
    for _ in range(2):
        assert minissd("demo", "--out", tmp_path / "demo").status == 0
        assert [file.name for file in (tmp_path / "demo").glob("**/metrics.json")] == ["metrics.json"]
    before = sorted(file.name for file in trained.iterdir())
    refused([trained, "no demo", "--out"], "demo", "--out", trained)
    assert sorted(file.name for file in trained.iterdir()) == before
