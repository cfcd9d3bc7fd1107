"""A file is there whole or not at all, whatever goes wrong."""

import errno
import os
import resource
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from minissd.errors import MinissdError
from minissd.files import check_writable, from_root, placed_whole, write_atomically


def test_writes_the_bytes_and_returns_the_path_and_makes_missing_folders(tmp_path):
    path = tmp_path / "run" / "pictures" / "a.bin"
    assert write_atomically(path, lambda file: file.write(b"abc")) == path
    assert path.read_bytes() == b"abc"
    assert os.listdir(path.parent) == ["a.bin"]


def test_from_root(tmp_path, monkeypatch):
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
    monkeypatch.chdir(tmp_path / "far")
    assert from_root("../link") == str(tmp_path.resolve() / "far" / "away")
    assert from_root("../link/../x") == str(tmp_path.resolve() / "far" / "x")  # not what the letters say
    assert from_root("away") == str(tmp_path / "far" / "away")
    monkeypatch.chdir(tmp_path)
    assert from_root("link") == str(tmp_path / "link")


def test_takes_the_path_as_a_string(tmp_path):
    write_atomically(str(tmp_path / "a"), lambda file: file.write(b"abc"))
    assert (tmp_path / "a").read_bytes() == b"abc"


def test_the_old_file_is_there_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def write(file):
        file.write(b"new and longer")
        file.flush()
        assert path.read_bytes() == b"old"

    write_atomically(path, write)
    assert path.read_bytes() == b"new and longer"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), OSError("40 of 80 written")])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, error, old):
    path = tmp_path / "a"
    if old is not None:
        path.write_bytes(old)

    def write(file):
        file.write(b"half")
        raise error

    with pytest.raises(MinissdError) as raised:
        write_atomically(path, write)
    message = str(raised.value)
    assert str(path) in message and (error.strerror or str(error)) in message and "\n" not in message
    assert os.listdir(tmp_path) == ([] if old is None else ["a"])
    assert old is None or path.read_bytes() == old


def test_a_limit_of_the_system_in_mid_write_leaves_nothing(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # bytes; like a disk that fills up
    try:
        with pytest.raises(MinissdError, match="too large"):
            write_atomically(tmp_path / "a", lambda file: file.write(bytes(100_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_other_errors_pass_through_and_leave_nothing(tmp_path, error):
    def write(file):
        file.write(b"half")
        raise error

    with pytest.raises(error):
        write_atomically(tmp_path / "a", write)
    assert os.listdir(tmp_path) == []


def test_a_refused_rename_leaves_nothing(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(errno.EACCES, "Permission denied", str(source))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(MinissdError, match="Permission denied"):
        write_atomically(tmp_path / "a", lambda file: file.write(b"abc"))
    assert os.listdir(tmp_path) == []


def test_a_folder_in_the_place_of_the_file_stays(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(MinissdError, match="no ordinary file"):
        write_atomically(tmp_path / "a", lambda file: file.write(b"abc"))
    assert (tmp_path / "a").is_dir() and os.listdir(tmp_path) == ["a"]


def test_a_device_is_not_replaced(tmp_path):
    with pytest.raises(MinissdError, match="no ordinary file"):
        write_atomically("/dev/null", lambda file: file.write(b"abc"))
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path):
    (tmp_path / "a").write_bytes(b"file")
    with pytest.raises(MinissdError, match="cannot be written"):
        write_atomically(tmp_path / "a" / "b", lambda file: file.write(b"abc"))
    assert (tmp_path / "a").read_bytes() == b"file"


@pytest.mark.parametrize("length, fits", [(255, True), (300, False)])
def test_names_may_be_as_long_as_the_system_allows(tmp_path, length, fits):
    path = tmp_path / ("a" * length)
    if fits:
        assert write_atomically(path, lambda file: file.write(b"abc")).read_bytes() == b"abc"
    else:
        with pytest.raises(MinissdError, match="too long"):
            write_atomically(path, lambda file: file.write(b"abc"))


def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "a", lambda file: file.write(b""))
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_of_many_writers_at_once_one_wins_whole(tmp_path):
    contents = [bytes([i]) * 50_000 for i in range(8)]

    def write(data):
        write_atomically(tmp_path / "a", lambda file: file.write(data))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, contents))
    assert (tmp_path / "a").read_bytes() in contents
    assert os.listdir(tmp_path) == ["a"]


def test_what_a_block_makes_under_a_temporary_name_takes_its_place(tmp_path):
    path = tmp_path / "new" / "clip.mp4"
    with placed_whole(path) as temporary:
        assert temporary.parent == path.parent and temporary.suffix == ".mp4"  # writers may go by the suffix
        temporary.write_bytes(b"abc")
        assert not path.exists()
    assert path.read_bytes() == b"abc" and os.listdir(path.parent) == ["clip.mp4"]


def test_a_block_that_makes_nothing_is_an_error(tmp_path):
    with pytest.raises(MinissdError, match="cannot be written"), placed_whole(tmp_path / "a"):
        pass


def test_a_folder_is_tried_and_left_as_it_was(tmp_path):
    check_writable(tmp_path)
    check_writable(tmp_path / "not" / "there" / "yet")
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_made_or_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(MinissdError, match="cannot be written") as raised:
            check_writable(folder)
        assert str(raised.value).startswith(f"{folder}: ")

    def refuse(*arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)  # the tests may run as root, whom no folder refuses
    with pytest.raises(MinissdError, match="Permission denied"):
        check_writable(tmp_path / "new")
