"""One training at a time in a folder, and none that a crashed one keeps out."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from minissd.training import LAST, TrainConfig, lock, train
from minissd.training.lock import LOCK, check_free, locked

CONFIG = TrainConfig(epochs=1, batch_size=4)
HOLDS = """
import sys, time
from minissd.training.lock import locked
with locked(sys.argv[1]):
    print(flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has the folder for itself."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, tmp_path], stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()


def test_a_second_training_is_refused_from_the_first_moment(tmp_path, holder, shapes, new_model, refused):
    with refused(tmp_path, f"process {holder.pid} on {socket.gethostname()}", "another folder"):
        train(new_model(), shapes, CONFIG, out=tmp_path)
    with refused(holder.pid):
        check_free(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {LOCK}


def test_a_process_that_was_killed_keeps_nobody_out(tmp_path, holder, shapes, new_model):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / LOCK).exists()
    train(new_model(), shapes, CONFIG, out=tmp_path)
    assert (tmp_path / LAST).exists() and not (tmp_path / LOCK).exists()


def test_nor_does_this_process_train_twice_into_one_folder(tmp_path, shapes, new_model, refused):
    def second(record, total):
        with refused(f"process {os.getpid()}"):
            train(new_model(), shapes, CONFIG, out=tmp_path)

    assert len(train(new_model(), shapes, CONFIG, out=tmp_path, report=second)) == 2


def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path):
    with locked(tmp_path / "run"):
        assert json.loads((tmp_path / "run" / LOCK).read_text())["pid"] == os.getpid()
    assert not (tmp_path / "run").exists()
    (tmp_path / "mine").mkdir()
    with locked(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine").is_dir()


@pytest.mark.parametrize(
    ("owner", "free"),
    [
        ({"pid": os.getppid(), "host": socket.gethostname()}, False),
        ({"pid": 2**22 + 1, "host": socket.gethostname()}, True),  # above all that Linux gives
        ({"pid": 1, "host": "elsewhere"}, False),
        ({"pid": "?"}, True),
        (None, True),
    ],
)
def test_where_the_file_system_knows_no_locks_the_file_has_to_do(tmp_path, monkeypatch, refused, owner, free):
    def no_locks(file):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_lock", no_locks)
    if owner:
        (tmp_path / LOCK).write_text(json.dumps(owner))
    if free:
        with locked(tmp_path):
            assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
        assert not (tmp_path / LOCK).exists()
    else:
        with refused(str(owner["pid"]), owner["host"], f"delete {tmp_path / LOCK}"), locked(tmp_path):
            pass


def test_a_folder_in_which_nothing_can_be_written(tmp_path, refused):
    (tmp_path / "file").touch()
    with refused(tmp_path / "file" / "run", "cannot be written"), locked(tmp_path / "file" / "run"):
        pass


def test_a_full_disk_leaves_no_lock(tmp_path, refused):
    """There is room for its name, and none for what it says."""
    resource = pytest.importorskip("resource", reason="a limit of Unix stands for the full disk")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with refused(tmp_path / "run", "cannot be written"), locked(tmp_path / "run"):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / "run").exists()
