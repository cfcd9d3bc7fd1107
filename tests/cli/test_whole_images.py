"""Training and scoring networks that say one thing of a whole image: a class, or a number."""

import json

import pytest
from idx_files import write_digits
from PIL import Image


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


def test_slants(minissd, digits, tmp_path):
    out = tmp_path / "run"
    words = ("--epochs", 2, "--batch-size", 16, "--workers", 0)
    outcome = minissd("train", "--model", "slant", "--data", digits, "--out", out, *words)
    assert outcome.status == 0, outcome.err
    outcome = minissd("evaluate", "--checkpoint", out / "last.safetensors", "--data", digits)
    assert outcome.status == 0, outcome.err
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics.keys() == {"explained", "mean_absolute_error", "error_of_the_mean"}
    Image.open(out / "predictions.png").verify()


def test_data_and_networks_that_do_not_fit(refused, digits, tree, tmp_path):
    for words, parts in [
        (("--model", "ssd-tiny", "--data", digits), [digits, "MNIST", "not to detect"]),
        (("--model", "lenet5", "--data", tree.root), ["VOC tree", "not to classify"]),
        (("--model", "slant", "--data", digits, "--augmentation", "digits"), ["another number", "--augmentation none"]),
        (("--model", "ssd-tiny", "--data", tree.root, "--dropout", 0.5), ["--dropout", "ssd-tiny"]),
    ]:
        refused(parts, "train", "--out", tmp_path / "run", *words)
