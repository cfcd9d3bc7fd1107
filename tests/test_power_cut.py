"""The order in which a file is made: its content on the disk, then its name, then the folder that holds the name.

Without it a power cut leaves the new name on an empty file, or the old file though the program has said that it saved.
"""

import errno
import os
from pathlib import Path

import pytest

from minissd import files
from minissd.errors import MinissdError
from minissd.files import cannot_be_written, make_folder, put_in_place, remove_leftovers, write_atomically


@pytest.fixture
def trace(monkeypatch):
    """(what, path) of every fsync and rename."""
    calls: list = []
    real = {name: getattr(os, name) for name in ("fsync", "replace")}

    def fsync(number):
        calls.append(("fsync", Path(os.readlink(f"/proc/self/fd/{number}"))))
        real["fsync"](number)

    def replace(source, target):
        calls.append(("rename", Path(target)))
        real["replace"](source, target)

    monkeypatch.setattr(files.os, "fsync", fsync)
    monkeypatch.setattr(files.os, "replace", replace)
    monkeypatch.setattr(files.os, "sync", lambda: calls.append(("sync", None)))
    return calls


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at Linux's /proc")


@needs_proc
def test_a_file(tmp_path, trace):
    write_atomically(tmp_path / "a", lambda file: file.write(b"abc"))
    (first, written), *rest = trace
    assert first == "fsync" and written.name.endswith(".part") and written.parent == tmp_path
    assert rest == [("rename", tmp_path / "a"), ("fsync", tmp_path)]


@needs_proc
def test_a_folder(tmp_path, trace):
    (tmp_path / "new").mkdir()
    put_in_place(tmp_path / "new", tmp_path / "set")
    assert trace == [("sync", None), ("rename", tmp_path / "set"), ("fsync", tmp_path)]


@needs_proc
def test_folders_that_were_missing(tmp_path, trace):
    make_folder(tmp_path / "a" / "b")
    assert sorted(trace) == [("fsync", tmp_path), ("fsync", tmp_path / "a")]
    make_folder(tmp_path / "a" / "b")
    assert len(trace) == 2


def test_what_a_killed_process_left_goes_and_nothing_else(tmp_path):
    for name in (".last.0123abcd.part.safetensors", ".best.0123abcd.part.safetensors", "last.safetensors", ".lock"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "last.safetensors")
    assert sorted(os.listdir(tmp_path)) == [".best.0123abcd.part.safetensors", ".lock", "last.safetensors"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "is full: delete or move something there"),
        (errno.EDQUOT, "your quota on the disk"),
        (errno.ENOENT, "network share"),
        (errno.ESTALE, "network share"),
        (errno.EACCES, "the folder allows it"),
        (errno.EROFS, "can only be read"),
    ],
)
def test_the_message_says_what_to_free_and_the_old_file_is_whole(tmp_path, monkeypatch, number, words):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch, pytest.raises(MinissdError, match=words) as raised:
            patch.setattr(files.os, name, refuse)
            write_atomically(path, lambda file: file.write(b"new"))
        assert str(tmp_path) in str(raised.value) and len(str(raised.value).splitlines()) == 1
        assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]
    with pytest.raises(MinissdError, match=words):
        write_atomically(path, refuse)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]
    assert words in str(cannot_be_written(path, OSError(number, os.strerror(number)), "wait"))
