"""The first run: a published network that is fetched, or brought by hand, and used without a further word."""

import os

import numpy as np
import pytest
from PIL import Image

from minissd.data import DOWNLOADS, download
from minissd.data.remote import Download, RemoteFile
from minissd.models import build
from minissd.weights import save


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "cache_folder", lambda: tmp_path / "cache")
    (tmp_path / "cache/weights").mkdir(parents=True)
    return tmp_path / "cache/weights"


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def published(cache, monkeypatch):
    """published(name, when) puts a small detector into the catalogue and, fetched at that time, onto the machine."""

    def put(name, when, size=None):
        path = cache / f"{name}.safetensors"
        save(build("ssd-tiny", classes=("a", "b"), input_size=64), path)
        os.utime(path, (when, when))
        file = RemoteFile(f"http://127.0.0.1:1/{path.name}", size, None)
        entry = Download("weights", (file,), "a test", "MIT", "minissd detect IMAGE", model="ssd-tiny")
        monkeypatch.setitem(DOWNLOADS, name, entry)
        return path

    return put


def test_without_a_network_it_says_how_to_get_one(refused, cache, photo):
    refused(["none has been fetched", "minissd fetch ssdlite-coco", "--checkpoint"], "detect", photo)


def test_the_network_that_was_fetched_last_is_used(minissd, published, photo, tmp_path):
    published("first", 1000)
    outcome = minissd("detect", photo, "--out", tmp_path / "one")
    assert outcome.status == 0 and "network: first, the one fetched\n" in outcome.out
    assert "first: minissd:" in outcome.out and "loaded into ssd-tiny" in outcome.out
    assert (tmp_path / "one/detections.json").exists()
    published("second", 2000)
    outcome = minissd("detect", photo, "--out", tmp_path / "two")
    assert "network: second, the one fetched last; --weights NAME for another: first" in outcome.out
    assert "loaded into ssd-tiny" in minissd("detect", photo, "--weights", "first", "--out", tmp_path / "three").out


def test_a_file_that_did_not_arrive_whole(refused, published, photo):
    path = published("half", 1000, size=10_000_000)
    size = f"{path.stat().st_size:,}"
    refused([path, size, "10,000,000", "did not arrive whole", "minissd fetch half"], "detect", photo)
    refused([path, size, "10,000,000", "delete it"], "fetch", "half")


def test_how_to_bring_a_file_by_hand(refused, published, cache):
    refused(
        ["mobilenet_v1_with_relu_69_5.pth from https://drive.google.com/", "save it as", cache], "fetch", "mobilenet-v1"
    )
    path = published("away", 1000)
    path.unlink()
    refused(["without a network", "http://127.0.0.1:1/away.safetensors", f"save it as {path}"], "fetch", "away")


def test_a_file_with_a_layer_too_many(refused, photo, tmp_path):
    model = build("ssd-tiny", classes=("a", "b"))
    arrays = model.params | model.buffers | {"head4.logits.w": np.ones(3, np.float32)}
    np.savez(tmp_path / "many.npz", **arrays)
    words = "--weights", tmp_path / "many.npz", "--model", "ssd-tiny", "--classes", "a,b"
    refused(["holds head4.logits.w", "ssd-tiny has no place", "of another network"], "detect", photo, *words)


def test_every_detector_of_the_catalogue_names_its_model():
    for name, entry in DOWNLOADS.items():
        if entry.kind == "weights":
            assert (entry.model is not None) == ("minissd detect" in entry.command), name
