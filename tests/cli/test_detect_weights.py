"""`minissd detect` with files of weights in place of a checkpoint."""

import json

import numpy as np
import pytest

from minissd.models import build
from minissd.training import load_checkpoint
from minissd.weights import save


def found_in(out):
    return json.loads((out / "detections.json").read_text())


@pytest.fixture
def weights(checkpoint, tmp_path):
    """The network of the checkpoint as a file of weights."""
    path = tmp_path / "weights.safetensors"
    save(load_checkpoint(checkpoint[1]).model, path)
    return path


def test_weights_find_what_the_checkpoint_finds(minissd, checkpoint, weights, tree, tmp_path):
    for out, source in (("a", checkpoint), ("b", ("--weights", weights, "--model", "ssd-tiny"))):
        outcome = minissd("detect", tree.image("img0"), *source, "--out", tmp_path / out, "--score", 0.05)
        assert outcome.status == 0, outcome.err
    assert str(weights) in outcome.out and "tensors loaded into ssd-tiny" in outcome.out
    assert found_in(tmp_path / "a") == found_in(tmp_path / "b") != {str(tree.image("img0")): []}


def test_classes_name_what_weights_do_not(minissd, refused, checkpoint, tree, tmp_path):
    model = build("ssd-tiny", classes=("x", "y"))
    np.savez(tmp_path / "plain.npz", **model.params, **model.buffers)
    words = ("detect", tree.image("img0"), "--weights", tmp_path / "plain.npz", "--model", "ssd-tiny", "--score", 0.05)
    words += ("--out", tmp_path / "found")
    refused(["plain.npz", "classes"], *words)
    assert minissd(*words, "--classes", "horse, cow").status == 0
    (objects,) = found_in(tmp_path / "found").values()
    assert {one["class"] for one in objects} == {"horse", "cow"}


def test_weights_that_are_not_all_of_a_detector(refused, tree, tmp_path):
    model = build("ssd-tiny", classes=("x", "y"))
    trunk = {name: array for name, array in model.params.items() if not name.startswith("head")}
    np.savez(tmp_path / "trunk.npz", **trunk, **model.buffers)
    words = (
        "--weights",
        tmp_path / "trunk.npz",
        "--model",
        "ssd-tiny",
        "--classes",
        "x,y",
        "--out",
        tmp_path / "found",
    )
    refused(["trunk.npz", "head0", "whole network"], "detect", tree.image("img0"), *words)


def test_a_classifier_is_no_detector(refused, tree, tmp_path):
    save(build("tiny", classes=("x", "y"), input_size=64), tmp_path / "w.safetensors")
    words = ("--weights", tmp_path / "w.safetensors", "--model", "tiny", "--out", tmp_path / "found")
    refused(["w.safetensors", "finds no boxes"], "detect", tree.image("img0"), *words)
