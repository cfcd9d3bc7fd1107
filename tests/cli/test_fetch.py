"""`minissd fetch` lists the catalogue, and brings what a name stands for."""

import hashlib

import pytest
from web import Habit, serve

from minissd.cli.console import console
from minissd.data import DOWNLOADS, download
from minissd.data.published import Download, RemoteFile


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def weights(monkeypatch, cache):
    """Weights in the catalogue, on a server of our own: weights(checksum or None) -> the Site."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("COLUMNS", "400")
    content = bytes(range(256)) * 1000
    with serve() as site:

        def offer(checked):
            site.files["vgg.pth"] = content
            checksum = f"sha256:{hashlib.sha256(content).hexdigest()}" if checked else None
            file = RemoteFile(f"{site.url}/vgg.pth", len(content), checksum)
            entry = Download("weights", (file,), "a test", "MIT", "minissd train --weights PLACE")
            monkeypatch.setitem(DOWNLOADS, "tiny", entry)
            return site

        yield offer


def test_without_a_name_it_lists_what_there_is(minissd, weights, cache, monkeypatch):
    monkeypatch.setattr(console, "_width", 300)  # a cell on one line
    weights(True)
    before = minissd("fetch").out
    for name, entry in DOWNLOADS.items():
        assert name in before and entry.licence in before and entry.about in before
    assert str(cache) in before and "yes" not in before
    minissd("fetch", "tiny")
    (line,) = (line for line in minissd("fetch").out.splitlines() if "tiny" in line)
    assert "yes" in line and "SHA-256" in line


def test_the_list_needs_no_home(minissd, monkeypatch):
    def no_home(name):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(download.pooch, "os_cache", no_home)
    outcome = minissd("fetch")
    assert outcome.status == 0 and "voc2007" in outcome.out and "no home folder" in outcome.out


def test_it_says_where_the_file_is_and_what_uses_it(minissd, weights, cache):
    site = weights(True)
    site.habits = [Habit(redirect="vgg.pth")]
    outcome = minissd("fetch", "tiny")
    place = cache / "weights" / "vgg.pth"
    assert outcome.status == 0 and place.read_bytes() == site.files["vgg.pth"]
    assert f"tiny: {place}" in outcome.out and "next: minissd train --weights tiny" in outcome.out
    assert "MIT" in outcome.out and "checksum" not in outcome.out


def test_it_says_that_no_checksum_is_published(minissd, weights):
    weights(False)
    assert "note: no checksum of vgg.pth is published: only its size" in minissd("fetch", "tiny").out


def test_a_damaged_file_is_one_line(refused, weights, cache):
    weights(True).habits = [Habit(corrupt=True)]
    refused(["vgg.pth", "checksum"], "fetch", "tiny")
    assert not (cache / "weights" / "vgg.pth").exists()
