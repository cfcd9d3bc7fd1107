"""One training at a time in a run folder.

The lock is one that the system holds for an open file, so that it ends with its process, however that ends; on network
file systems that know such locks it holds for all machines.  The file in the folder says whose it is.  Where the file
system knows none, what it says has to do: a process of this machine is asked for, one of another machine is believed.
"""

import errno
import json
import os
import socket
from contextlib import contextmanager, suppress
from pathlib import Path

from minissd.errors import MinissdError
from minissd.files import cannot_be_written, make_folder, parse_json

LOCK = ".lock"
_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)  # what a lock that another has is refused with


@contextmanager
def locked(folder):
    """Keep others from training into `folder` while the block runs; MinissdError if another does.

    The folder is made where it is missing, and goes again if nothing was put into it.
    """
    path = Path(folder) / LOCK
    made, file = not path.parent.exists(), None
    try:
        try:
            make_folder(path.parent)
            file = _opened(path)
            file.seek(0)
            file.truncate()
            file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
            file.flush()
        except OSError as error:
            raise cannot_be_written(folder, error) from error
        yield
    finally:
        if file:
            with suppress(OSError):  # Windows removes no open file: it stays, as after a crash, and harms nobody
                path.unlink()
            with suppress(OSError):  # on a full disk closing fails as writing does
                file.close()
        if made:
            with suppress(OSError):  # it is not empty
                path.parent.rmdir()


def check_free(folder):
    """MinissdError if another process trains into `folder` just now."""
    if (Path(folder) / LOCK).exists():
        with locked(folder):
            pass


def _opened(path):
    """The open file with the lock on it."""
    while True:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (the lock lasts as long as it is open)
        try:
            _lock(file)
        except OSError as error:
            file.seek(0)
            owner = _owner(file.read())
            file.close()
            if error.errno in _HELD or _seems_alive(owner):
                raise MinissdError(
                    f"{path.parent}: another training is at work in it ({_in_words(owner)}): wait for its end, or "
                    "choose another folder" + ("" if error.errno in _HELD else f"; if it is gone, delete {path}")
                ) from None
            return open(path, "a+", encoding="utf-8")  # a file system without locks, and nobody there
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # whoever had it ended in between, and took the file away


def _lock(file):
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        import msvcrt

        file.seek(1 << 30)  # beyond what is written, for a locked byte cannot be read by others
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _owner(text):
    """{"pid", "host"} as the file says, or {}."""
    try:
        owner = parse_json(text)
        return owner if isinstance(owner["pid"], int) and isinstance(owner["host"], str) else {}
    except (ValueError, KeyError, TypeError):
        return {}


def _in_words(owner):
    return f"process {owner['pid']} on {owner['host']}" if owner else "a process that does not say which"


def _seems_alive(owner):
    """Whether the process of this machine is there, or is one of another machine."""
    if not owner or owner["host"] != socket.gethostname() or os.name == "nt":  # there, os.kill would end it
        return bool(owner)
    try:
        os.kill(owner["pid"], 0)  # 0: only asks
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True
