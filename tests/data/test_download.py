"""Fetching, from a server of our own: whole or not at all, and one line for what goes wrong."""

import errno
import hashlib
import io
import os
import tarfile
import zipfile

import pytest
from pennfudan_set import publish
from web import Bar, Habit

from minissd.data import catalogue, download, http
from minissd.data.download import fetch, fetched, place_of
from minissd.data.pennfudan import to_voc_tree
from minissd.data.published import DOWNLOADS, Download, RemoteFile
from minissd.errors import MinissdError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder that downloads go to; and nobody waits between two tries."""
    monkeypatch.setattr(download, "cache_folder", lambda: tmp_path / "new" / "cache")
    monkeypatch.setattr(http.time, "sleep", lambda seconds: None)
    return tmp_path / "new" / "cache"


@pytest.fixture
def offer(site, monkeypatch):
    """Puts files on the web as the set "tiny"; the checksums are right unless others are given."""

    def put(contents, checksum="sha256", size=True, **options):
        files = []
        for name, content in contents.items():
            site.files[name] = content
            digits = hashlib.new(checksum, content).hexdigest() if checksum in ("sha256", "md5") else None
            check = f"{checksum}:{digits}" if digits else checksum
            files.append(RemoteFile(f"{site.url}/{name}", len(content) if size else None, check))
        options = {"kind": "data", "tree": "VOCdevkit/VOC2099", "unpacked": 10**6, **options}
        tiny = Download(files=tuple(files), about="a test", licence="none", command="", **options)
        monkeypatch.setitem(DOWNLOADS, "tiny", tiny)

    return put


def tar_of(root, *parts, inside="VOCdevkit/VOC2099"):
    """A tar file, as bytes, with these parts of a VOC tree in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for part in parts:
            archive.add(root / part, f"{inside}/{part}")
    return buffer.getvalue()


def zip_of(folder):
    """A zip file, as bytes, with a folder in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return buffer.getvalue()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def refused(cache, one_line, *parts):
    with pytest.raises(MinissdError) as caught:
        fetch("tiny")
    one_line(caught, *parts)
    assert not (cache / "tiny").exists()
    assert not cache.exists() or names_in(cache) in ([], [".tiny.arriving"])  # nothing half-unpacked stays


def test_a_set_of_two_archives_becomes_one_tree(offer, pets, cache):
    offer({"images.tar": tar_of(pets.root, "JPEGImages"), "rest.tar": tar_of(pets.root, "Annotations", "ImageSets")})
    assert fetch("tiny") == place_of("tiny") == cache / "tiny"
    assert names_in(cache) == ["tiny"]
    assert catalogue.open_dataset("tiny", "train").classes == ("cat", "dog")


def test_another_folder(offer, pets, tmp_path):
    offer({"all.tar": tar_of(pets.root, "JPEGImages")})
    assert fetch("tiny", tmp_path / "here") == tmp_path / "here" / "tiny"


def test_what_is_there_is_not_fetched_again(offer, pets, site):
    offer({"all.tar": tar_of(pets.root, "JPEGImages")})
    assert fetch("tiny") == fetch("tiny") and len(site.asked) == 1


def test_weights_are_a_file(offer, cache):
    offer({"vgg-1234.pth": b"numbers"}, kind="weights", tree=None)
    with pytest.raises(MinissdError, match="minissd fetch tiny"):
        fetched("tiny", "weights")
    assert fetch("tiny") == fetched("tiny", "weights") == cache / "weights" / "vgg-1234.pth"
    assert (cache / "weights" / "vgg-1234.pth").read_bytes() == b"numbers" and names_in(cache / "weights") == [
        "vgg-1234.pth"
    ]


def test_files_that_are_used_as_they_are(offer, cache):
    contents = {"images.gz": b"\x1f\x8bpixels", "labels.gz": b"\x1f\x8bnumbers"}
    offer(contents, tree=None, checksum="md5")
    place = fetch("tiny")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == contents
    assert names_in(cache) == ["tiny"] and place.stat().st_mode == cache.stat().st_mode  # not for its owner alone


def test_penn_fudan_becomes_a_voc_tree(offer, tmp_path, cache):
    for number in range(17):
        publish(tmp_path / "PennFudanPed", f"Ped{number}", [(1, 1, 9, 9)])
    offer({"PennFudanPed.zip": zip_of(tmp_path / "PennFudanPed")}, tree="PennFudanPed", convert=to_voc_tree)
    fetch("tiny")
    assert names_in(cache) == ["tiny"]
    assert len(catalogue.open_dataset("tiny", "train")) == 12 and len(catalogue.open_dataset("tiny", "val")) == 5


def test_what_was_stopped_goes_on(offer, pets, site, monkeypatch, one_line, cache):
    """Also the files that had come whole are not asked for again."""
    monkeypatch.setattr(http, "_CHUNK", 256)
    first, second = tar_of(pets.root, "JPEGImages"), tar_of(pets.root, "Annotations", "ImageSets")
    offer({"one.tar": first, "two.tar": second})
    site.habits = [Habit(), Habit(cut_after=1024), *[Habit(cut_after=0)] * 3]
    refused(cache, one_line, "tiny", "goes on where it stopped")
    site.sent.clear()
    fetch("tiny")
    assert site.sent == [len(second) - 1024]


def test_progress_is_reported_in_bytes(offer, pets):
    content = tar_of(pets.root, "JPEGImages")
    offer({"all.tar": content})
    bar = Bar()
    fetch("tiny", progress=bar)
    assert bar.total == bar.seen == len(content) and bar.closed


@pytest.mark.parametrize("checksum", ["sha256", "md5", "sha256:" + hashlib.sha256(b"whatever").hexdigest()[:8]])
def test_a_wrong_checksum(offer, site, pets, cache, one_line, checksum):
    offer({"all.tar": tar_of(pets.root, "JPEGImages")}, checksum)
    site.habits = [Habit(corrupt=True)]
    refused(cache, one_line, "all.tar", "checksum")
    assert names_in(cache / ".tiny.arriving") == []  # the next fetch begins anew
    if ":" not in checksum:
        fetch("tiny")


def test_the_head_of_a_checksum_is_enough(offer):
    offer({"vgg.pth": b"numbers"}, f"sha256:{hashlib.sha256(b'numbers').hexdigest()[:8]}", kind="weights", tree=None)
    assert fetch("tiny").read_bytes() == b"numbers"


def test_without_checksum_the_size_is_checked(offer, site, cache, one_line):
    offer({"vgg.pth": b"numbers"}, checksum=None, kind="weights", tree=None)
    site.files["vgg.pth"] = b"more numbers"
    with pytest.raises(MinissdError) as caught:
        fetch("tiny")
    one_line(caught, "vgg.pth", "12", "7")
    assert names_in(cache / "weights") == [".tiny.arriving"]


def test_an_archive_that_is_none_or_is_cut_short_or_holds_something_else(offer, pets, cache, one_line):
    whole = tar_of(pets.root, "JPEGImages")
    other = tar_of(pets.root, "Annotations", inside="elsewhere")
    for content, part in [(b"no tar", "unpacked"), (whole[:1044], "unpacked"), (other, "no VOCdevkit/VOC2099")]:
        offer({"all.tar": content})
        refused(cache, one_line, "tiny", part, "fetch it again")
        assert names_in(cache) == []
    size = sum(path.stat().st_size for path in (pets.root / "JPEGImages").iterdir())
    offer({"one.tar": whole, "two.tar": whole}, unpacked=2 * size - 1)  # what they may unpack to together
    refused(cache, one_line, f"{size - 1} bytes")


def test_an_archive_cannot_write_outside_of_its_folder(offer, cache, tmp_path, one_line):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../evil"))
    offer({"all.tar": buffer.getvalue()})
    refused(cache, one_line, "evil")
    assert list(tmp_path.rglob("evil")) == []


def test_a_file_that_is_not_on_the_server(offer, site, cache, one_line):
    offer({"all.tar": b"x"})
    site.files.clear()
    refused(cache, one_line, "tiny", "404")


def test_a_server_that_does_not_answer(monkeypatch, cache, one_line):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    file = RemoteFile("http://127.0.0.1:9/all.tar", None, None)
    monkeypatch.setitem(DOWNLOADS, "tiny", Download("data", (file,), "a test", "none", "", "."))
    refused(cache, one_line, "tiny", "try again")


def test_a_folder_that_cannot_be_made(offer, tmp_path, one_line):
    offer({"all.tar": b"x"})
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MinissdError) as caught:
        fetch("tiny", tmp_path / "file" / "cache")
    one_line(caught, tmp_path / "file")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOTDIR])
def test_a_cache_that_cannot_be_written_is_to_be_set_elsewhere(offer, monkeypatch, one_line, cache, number):
    offer({"all.tar": b"x"})

    def refuse(*args, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(download.Path, "mkdir", refuse)
    with pytest.raises(MinissdError) as caught:
        fetch("tiny")
    one_line(caught, cache, os.strerror(number), "XDG_CACHE_HOME")


@pytest.mark.parametrize("error", [RuntimeError("could not determine the home directory"), KeyError("getpwuid()")])
def test_a_user_without_a_home(monkeypatch, one_line, error):
    def no_home(name):
        raise error

    monkeypatch.undo()
    monkeypatch.setattr(download.pooch, "os_cache", no_home)
    for wanted in (lambda: fetch("voc2007"), lambda: catalogue.open_dataset("voc2007", "train")):
        with pytest.raises(MinissdError) as caught:
            wanted()
        one_line(caught, "no home folder", "XDG_CACHE_HOME")
    assert len(catalogue.open_dataset("shapes", "train", limit=3)) == 3


def test_unknown_names_list_those_there_are(one_line):
    for wanted, parts in [
        (lambda: fetch("voc1066"), ["'voc1066'", "voc2007", "vgg16"]),
        (lambda: fetched("voc1066", "data"), ["'voc1066'", "no data", "voc2007"]),
        (lambda: fetched("voc2007", "weights"), ["'voc2007'", "no weights", "ssd300-voc"]),
        (lambda: fetched("voc2007", "data"), ["minissd fetch voc2007"]),
    ]:
        with pytest.raises(MinissdError) as caught:
            wanted()
        one_line(caught, *parts)


@pytest.mark.parametrize("name", DOWNLOADS)
def test_the_catalogue_is_well_formed(name):
    entry = DOWNLOADS[name]
    assert entry.kind in ("data", "weights") and entry.files and entry.about and entry.licence
    assert len({file.name for file in entry.files}) == len(entry.files) == len({file.url for file in entry.files})
    if entry.tree is not None:
        assert entry.unpacked > entry.size > 0
    for file in entry.files:
        method, _, digits = (file.checksum or "none:").partition(":")
        assert (method, len(digits)) in [("sha256", 64), ("sha256", 8), ("md5", 32), ("none", 0)]
        int(digits or "0", 16)
        assert file.url.startswith("https://") or len(digits) == 64  # what comes in the clear has a whole checksum
        assert file.size or file.roughly


@pytest.mark.parametrize("name", [name for name, entry in DOWNLOADS.items() if "pytorch.org" in entry.files[0].url])
def test_pytorch_names_its_files_by_their_checksum(name):
    (file,) = DOWNLOADS[name].files
    assert file.checksum.startswith(f"sha256:{file.name.rpartition('-')[2].removesuffix('.pth')}")
