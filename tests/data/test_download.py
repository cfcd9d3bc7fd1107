"""Downloads, from a server of our own: whole or not at all, and one line for what goes wrong."""

import functools
import hashlib
import http.server
import io
import tarfile
import threading

import pytest

from minissd.data import catalogue
from minissd.data.download import DOWNLOADS, Archive, Download, fetch
from minissd.errors import MinissdError


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder on the web, at http://127.0.0.1: (folder, url)."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def offer(served, monkeypatch):
    """Puts files on the web as the set "tiny"; offer(name=bytes, ...), and the checksums are right."""
    folder, url = served

    def put(**contents):
        archives = []
        for name, content in contents.items():
            (folder / f"{name}.tar").write_bytes(content)
            archives.append(Archive(f"{url}/{name}.tar", hashlib.sha256(content).hexdigest()))
        monkeypatch.setitem(DOWNLOADS, "tiny", Download(tuple(archives), "VOCdevkit/VOC2099", "a test"))

    return put


def tar_of(root, *parts, inside="VOCdevkit/VOC2099"):
    """A tar file, as bytes, with these parts of a VOC tree in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for part in parts:
            archive.add(root / part, f"{inside}/{part}")
    return buffer.getvalue()


def refused(folder, one_line, *parts):
    with pytest.raises(MinissdError) as caught:
        fetch("tiny", folder)
    one_line(caught, *parts)
    assert not (folder / "tiny").exists()
    assert list(folder.glob(".*")) == []  # nothing half-unpacked stays


def test_a_set_of_two_archives_becomes_one_tree(offer, pets, tmp_path, monkeypatch):
    offer(images=tar_of(pets.root, "JPEGImages"), rest=tar_of(pets.root, "Annotations", "ImageSets"))
    cache = tmp_path / "new" / "cache"
    place = fetch("tiny", cache)
    assert place == cache / "tiny" and [path.name for path in cache.iterdir()] == ["tiny"]
    monkeypatch.setattr(catalogue, "default_folder", lambda: cache)
    assert catalogue.open_dataset("tiny", "train").classes == ("cat", "dog")


def test_what_is_there_is_not_fetched_again(offer, pets, served, tmp_path):
    offer(all=tar_of(pets.root, "JPEGImages"))
    place = fetch("tiny", tmp_path / "cache")
    (served[0] / "all.tar").unlink()
    assert fetch("tiny", tmp_path / "cache") == place


def test_progress_is_reported_in_bytes(offer, pets, tmp_path):
    class Bar:
        total, seen, closed = 0, 0, False

        def update(self, count):
            self.seen += count

        def reset(self):
            self.seen = 0

        def close(self):
            self.closed = True

    content = tar_of(pets.root, "JPEGImages")
    offer(all=content)
    bar = Bar()
    fetch("tiny", tmp_path / "cache", bar)
    assert bar.total == bar.seen == len(content) and bar.closed


def test_a_wrong_checksum(offer, served, pets, tmp_path, one_line):
    offer(all=tar_of(pets.root, "JPEGImages"))
    (served[0] / "all.tar").write_bytes(b"something else")
    refused(tmp_path / "cache", one_line, "all.tar", "checksum")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_archive_that_is_none_or_is_cut_short_or_holds_something_else(offer, pets, tmp_path, one_line):
    whole = tar_of(pets.root, "JPEGImages")
    other = tar_of(pets.root, "Annotations", inside="elsewhere")
    cases = [(b"no tar", "unpacked"), (whole[:1044], "unpacked"), (other, "no VOCdevkit/VOC2099")]
    for content, part in cases:
        offer(all=content)
        (tmp_path / "cache" / "all.tar").unlink(missing_ok=True)
        refused(tmp_path / "cache", one_line, "tiny", part)


def test_an_archive_cannot_write_outside_of_its_folder(offer, tmp_path, one_line):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../evil"))
    offer(all=buffer.getvalue())
    refused(tmp_path / "a" / "cache", one_line, "evil")
    assert list(tmp_path.rglob("evil")) == []


def test_a_file_that_is_not_on_the_server(offer, served, tmp_path, one_line):
    offer(all=b"x")
    (served[0] / "all.tar").unlink()
    refused(tmp_path / "cache", one_line, "tiny", "404")


def test_a_server_that_does_not_answer(monkeypatch, tmp_path, one_line):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    archive = Archive("http://127.0.0.1:9/all.tar", "0" * 64)
    monkeypatch.setitem(DOWNLOADS, "tiny", Download((archive,), "VOCdevkit/VOC2099", "a test"))
    refused(tmp_path / "cache", one_line, "tiny", "try again")


def test_a_folder_that_cannot_be_made(offer, tmp_path, one_line):
    offer(all=b"x")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MinissdError) as caught:
        fetch("tiny", tmp_path / "file" / "cache")
    one_line(caught, tmp_path / "file")


def test_an_unknown_name_lists_those_there_are(one_line):
    with pytest.raises(MinissdError) as caught:
        fetch("voc1066")
    one_line(caught, "'voc1066'", "voc2007", "voc2012")


def test_the_checksums_are_well_formed():
    for download in DOWNLOADS.values():
        for archive in download.archives:
            assert archive.url.startswith("https://") and len(bytes.fromhex(archive.sha256)) == 32
