"""Training and scoring networks that say one thing of a whole image: a class, or a number."""

import json

import numpy as np
import pytest
from idx_files import write_digits
from PIL import Image

from minissd.models import build
from minissd.training import save_checkpoint


@pytest.fixture
def digits(tmp_path):
    return write_digits(tmp_path / "digits", train=60, test=20)


@pytest.mark.parametrize("model", ["mlp", "lenet5"])
def test_digits(minissd, digits, tmp_path, model):
    out = tmp_path / "run"
    words = ("--epochs", 2, "--batch-size", 16, "--workers", 0, "--dropout", 0.2)
    outcome = minissd("train", "--model", model, "--data", digits, "--out", out, *words)
    assert outcome.status == 0, outcome.err
    config = json.loads((out / "config.json").read_text())
    assert (config["recipe"], config["augmentation"], config["options"]["dropout"]) == ("digits", "digits", 0.2)
    outcome = minissd("evaluate", "--checkpoint", out / "last.safetensors", "--data", digits)
    assert outcome.status == 0, outcome.err
    metrics = json.loads((out / "metrics.json").read_text())
    assert 0 <= metrics["accuracy"] <= 1 and metrics["recall"].keys() == set("0123456789")
    assert sum(map(sum, metrics["confusion"])) == 20
    for name in ("confusion.png", "mistakes.png", "loss.png"):
        Image.open(out / name).verify()


@pytest.mark.parametrize("mode, side", [("LA", 28), ("RGB", 40)])
def test_digits_as_pictures_in_folders(minissd, tmp_path, mode, side):
    """Strokes that stand or lie, in pictures of any colours and size: two classes that a network of digits tells."""
    root, rng = tmp_path / "strokes", np.random.default_rng(0)
    for k in range(120):
        picture = np.zeros((side, side), np.uint8)
        place = rng.integers(side // 4, side // 2)
        picture[:, place : place + side // 6] = 255
        path = root / ("lying", "standing")[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture if k % 2 else picture.T).convert(mode).save(path)
    words = ("--epochs", 5, "--batch-size", 12, "--workers", 0, "--augmentation", "none", "--data", root)
    outcome = minissd("train", "--model", "mlp", "--out", tmp_path / "run", *words)
    assert outcome.status == 0, outcome.err
    where = ("--data", root, "--split", "trainval")
    outcome = minissd("evaluate", "--checkpoint", tmp_path / "run" / "last.safetensors", *where)
    assert outcome.status == 0, outcome.err
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["accuracy"] == 1
    save_checkpoint(tmp_path / "lenet.safetensors", build("lenet5", classes=("lying", "standing")))
    for command in ("saliency", "features"):
        options = ("--limit", 12, "--out", tmp_path / "explained", "--checkpoint", tmp_path / "lenet.safetensors")
        outcome = minissd("explain", command, *options, *where)
        assert outcome.status == 0, outcome.err


def test_the_trunk_of_a_detector_reads_grey_digits(minissd, digits, tmp_path):
    words = ("--task", "classify", "--input-size", 64, "--epochs", 1, "--batch-size", 16, "--workers", 0)
    outcome = minissd("train", "--data", digits, "--out", tmp_path / "run", *words)
    assert outcome.status == 0, outcome.err
    outcome = minissd("evaluate", "--checkpoint", tmp_path / "run" / "last.safetensors", "--data", digits)
    assert outcome.status == 0, outcome.err
    assert sum(map(sum, json.loads((tmp_path / "run" / "metrics.json").read_text())["confusion"])) == 20


def test_slants(minissd, digits, tmp_path):
    out = tmp_path / "run"
    words = ("--epochs", 2, "--batch-size", 16, "--workers", 0)
    outcome = minissd("train", "--model", "slant", "--data", digits, "--out", out, *words)
    assert outcome.status == 0, outcome.err
    outcome = minissd("evaluate", "--checkpoint", out / "last.safetensors", "--data", digits)
    assert outcome.status == 0, outcome.err
    metrics = json.loads((out / "metrics.json").read_text())
    assert {"explained", "mean_absolute_error", "error_of_the_mean"} <= metrics.keys()
    Image.open(out / "predictions.png").verify()


def test_data_and_networks_that_do_not_fit(refused, digits, tree, tmp_path):
    for words, parts in [
        (("--model", "ssd-tiny", "--data", digits), [digits, "MNIST", "not to detect"]),
        (("--model", "lenet5", "--data", tree.root), ["VOC tree", "not to classify"]),
        (("--model", "slant", "--data", digits, "--augmentation", "digits"), ["another number", "--augmentation none"]),
        (("--model", "ssd-tiny", "--data", tree.root, "--dropout", 0.5), ["--dropout", "ssd-tiny"]),
    ]:
        refused(parts, "train", "--out", tmp_path / "run", *words)
