"""`minissd train` beyond a detector from nothing: trunks as classifiers, weights to start from, recipes, steps."""

import json

import numpy as np
import pytest
from PIL import Image

from minissd.errors import MinissdError
from minissd.models import build
from minissd.training import load_checkpoint
from minissd.weights import save

CLASSIFY = ("--task", "classify", "--input-size", 64, "--batch-size", 4, "--workers", 0)


@pytest.fixture
def folders(tmp_path):
    """Class folders of reddish and bluish images, with a validation split."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4)):
        for name, tint in (("red", (90, 0, 0)), ("blue", (0, 0, 90))):
            folder = tmp_path / "colours" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(60, 160, (40, 40, 3)) + np.array(tint)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
    return tmp_path / "colours"


def test_a_trunk_learns_as_a_classifier_and_its_detector_takes_it_over(minissd, folders, tree, tmp_path):
    out = tmp_path / "trunk"
    outcome = minissd("train", "--data", folders, "--out", out, *CLASSIFY, "--epochs", 8)
    assert outcome.status == 0, outcome
    assert "trunk of ssd-tiny" in outcome.out and "validation accuracy" in outcome.out
    assert (out / "loss.png").exists()
    assert json.loads((out / "config.json").read_text())["model"] == "tiny"

    outcome = minissd("evaluate", "--checkpoint", out / "best.safetensors", "--data", folders, "--split", "val")
    assert outcome.status == 0, outcome
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["accuracy"] == 1 and metrics["confusion"] == [[4, 0], [0, 4]]
    assert set(metrics["recall"]) == {"blue", "red"}
    assert (out / "confusion.png").exists()

    detector = tmp_path / "detector"
    options = ("--input-size", 64, "--epochs", 1, "--batch-size", 6, "--workers", 0, "--lr", 1e-9)
    outcome = minissd("train", "--data", tree.root, "--out", detector, *options, "--weights", out / "last.safetensors")
    assert outcome.status == 0, outcome
    trunk, whole = (load_checkpoint(folder / "last.safetensors").model for folder in (out, detector))
    assert whole.name == "ssd-tiny"
    for name in trunk.params.keys() & whole.params.keys():
        np.testing.assert_allclose(whole.params[name], trunk.params[name], atol=1e-6)
    assert "stage0.conv0.w" in trunk.params.keys() & whole.params.keys()


def test_a_detector_keeps_its_heads_if_the_classes_are_the_same(minissd, tree, tmp_path):
    options = ("--data", tree.root, "--input-size", 64, "--epochs", 1, "--batch-size", 6, "--workers", 0, "--lr", 1e-9)
    for classes, kept in ((("cat", "dog"), True), (("eel", "fox"), False)):
        file, out = tmp_path / f"{classes[0]}.safetensors", tmp_path / classes[0]
        source = build("ssd-tiny", classes=classes, seed=5, input_size=64)
        save(source, file)
        assert minissd("train", *options, "--out", out, "--weights", file).status == 0
        model = load_checkpoint(out / "last.safetensors").model
        same = np.allclose(model.params["head0.logits.w"], source.params["head0.logits.w"], atol=1e-6)
        assert same == kept
        np.testing.assert_allclose(model.params["stage0.conv1.w"], source.params["stage0.conv1.w"], atol=1e-6)


def test_steps_and_a_recipe_are_remembered(minissd, tree, tmp_path):
    out = tmp_path / "run"
    words = ("--recipe", "paper-voc07", "--steps", 3, "--batch-size", 4, "--accumulate", 2, "--workers", 0)
    assert minissd("train", "--data", tree.root, "--out", out, "--input-size", 64, *words).status == 0
    config = json.loads((out / "config.json").read_text())
    assert (config["recipe"], config["steps"], config["batch_size"]) == ("paper-voc07", 3, 4)
    assert (config["lr"], config["bias_lr"], config["bias_decay"], config["accumulate"]) == (1e-3 / 8, 2, False, 2)
    assert load_checkpoint(out / "last.safetensors").step == 3


def test_evaluate_reads_published_weights_too(minissd, tree, tmp_path):
    file = tmp_path / "weights.safetensors"
    save(build("ssd-tiny", classes=("cat", "dog"), input_size=64), file)
    words = ("--weights", file, "--model", "ssd-tiny", "--data", tree.root, "--split", "train")
    outcome = minissd("evaluate", *words, "--out", tmp_path / "scores")
    assert outcome.status == 0, outcome
    assert set(json.loads((tmp_path / "scores" / "metrics.json").read_text())["AP"]) == {"cat", "dog"}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--task", "detect", "--model", "vgg16"), ["vgg16", "ssd300-vgg16"]),
        (("--task", "classify", "--model", "unet"), ["unet", "classify", "lenet5"]),
        (("--model", "ssd-huge"), ["ssd-huge", "ssd-tiny"]),
        (("--recipe", "quick"), ["quick", "scratch"]),
        (("--model", "ssd300-vgg16", "--input-size", 200), ["--input-size", "ssd300-vgg16"]),
        (("--weights", "nowhere.pth"), ["nowhere.pth"]),
        (("--weights", "vgg16"), ["minissd fetch vgg16"]),
        (("--task", "classify"), ["data to detect", "not to classify"]),
    ],
)
def test_refused(refused, tree, tmp_path, monkeypatch, words, parts):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # nothing fetched
    refused(parts, "train", "--data", tree.root, "--out", tmp_path / "run", "--epochs", 1, *words)
    assert not (tmp_path / "run" / "config.json").exists()


def test_weights_without_batch_norm_need_a_recipe_without(refused, tree, tmp_path, monkeypatch):
    """Such is `finetune`, which is taken unless another is given; `scratch` puts batch norm into the network."""
    file = tmp_path / "weights.safetensors"
    save(build("ssd300-vgg16", classes=("eel",)), file)
    words = ("--model", "ssd300-vgg16", "--weights", file, "--out", tmp_path / "run", "--data", tree.root)
    refused(["batch norm", "--recipe finetune or paper-voc07"], "train", *words, "--recipe", "scratch")
    assert not (tmp_path / "run").exists()

    def start(out, settings, *_):
        assert (settings["recipe"], settings["options"]["batch_norm"]) == ("finetune", False)
        raise MinissdError("as expected")

    monkeypatch.setattr("minissd.cli.train.start", start)
    refused(["as expected"], "train", *words)


def test_weights_of_another_model_are_refused(refused, tree, tmp_path):
    """All models have a pixel normalisation, which is not enough to have in common."""
    file = tmp_path / "weights.safetensors"
    save(build("ssd-tiny", classes=("eel",), input_size=64), file)
    words = ("--model", "ssd300-vgg16", "--weights", file, "--out", tmp_path / "run")
    refused([file, "holds ssd-tiny, and to be trained is ssd300-vgg16"], "train", "--data", tree.root, *words)


def test_a_resumed_run_keeps_its_task(minissd, refused, tree, tmp_path):
    out = tmp_path / "run"
    words = ("--input-size", 64, "--epochs", 1, "--batch-size", 6, "--workers", 0)
    assert minissd("train", "--data", tree.root, "--out", out, *words).status == 0
    refused(["--task", "'classify'", "'detect'"], "train", "--out", out, "--resume", "--task", "classify")
