"""Files that appear whole or not at all, and the folder for those that minissd keeps for a user."""

import errno
import glob
import json
import math
import os
import secrets
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from minissd.errors import MinissdError

DEEPEST = 50  # lists within lists, of what minissd writes; ours are 5 deep
SET_CACHE = "set XDG_CACHE_HOME to a folder that can be written"


def cache_folder() -> Path:
    """The user's cache folder for minissd.  MinissdError if this user has no home to hold it."""
    import pooch  # here, for it brings all of the downloads along

    try:
        return Path(pooch.os_cache("minissd"))
    except (KeyError, RuntimeError):  # no HOME, and no entry among the users of the system
        raise MinissdError(f"this user has no home folder to keep files in: {SET_CACHE}") from None


def from_root(path):
    """A path, found from any folder and without "..", as text; links in it stay unless a ".." follows."""
    path = Path(path)
    return str(path.resolve() if ".." in path.parts else path.absolute())


def write_atomically(path, write):
    """Let `write(file)` write a file and put it in place of `path` in one step, as `placed_whole` does.

    `file` is open in binary mode.  Returns the path.
    """
    with placed_whole(path) as temporary, open(temporary, "xb") as file:
        write(file)
    return Path(path)


@contextmanager
def placed_whole(path):
    """A temporary path beside `path`; the file that the block makes there takes the place of `path` in one step.

    It takes its name only when it is complete and on the disk, so that a reader finds the old file or the new
    one, and a full disk or a stop half-way leaves the old one.  The temporary file never stays, and has the
    suffix of `path`.  Missing folders are made.

    Raises MinissdError when the system refuses; any other error of the block passes through.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem[:32]}.{secrets.token_hex(4)}.part{path.suffix[:16]}")
    try:
        _require_ordinary(path)
        make_folder(path.parent)
        yield temporary
        put_in_place(temporary, path)
    except OSError as error:
        raise cannot_be_written(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def put_in_place(source, target):
    """Give a finished file, or a folder of such, the name `target` in one step, so that a power cut cannot undo it.

    The content has to be on the disk before the name is, else the new name could stand on an empty file; and the
    folder, which holds the names, after that.  Raises the OSError of the system.
    """
    if os.path.isdir(source):
        getattr(os, "sync", lambda: None)()  # one call for all of its files; Windows has none
    else:
        with open(source, "r+b") as file:
            os.fsync(file.fileno())
    os.replace(source, target)
    _sync_folder(Path(target).parent)


def make_folder(folder):
    """Make a folder and those above it that are missing; a power cut leaves them, with what is put into them later."""
    folder = Path(folder)
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        _sync_folder(one.parent)


def _sync_folder(folder):
    with suppress(OSError):  # Windows opens no folders, and some file systems have nothing to do for them
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def remove_leftovers(path):
    """Remove what killed processes left half-written beside `path`; for whoever alone writes there."""
    path = Path(path)
    for one in path.parent.glob(f".{glob.escape(path.stem[:32])}.????????.part{glob.escape(path.suffix[:16])}"):
        with suppress(OSError):
            one.unlink()


def check_writable(folder):
    """MinissdError unless files can be made in `folder`, or in what there is of its path.  Leaves nothing behind.

    For work whose results come late: it had better fail before.
    """
    folder = Path(folder)
    try:
        existing = next(part for part in (folder, *folder.parents) if part.exists())
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise cannot_be_written(folder, error) from error


def check_file_writable(path):
    """MinissdError unless a file can be made at `path`, or take the place of the one that is there."""
    _require_ordinary(Path(path))
    check_writable(Path(path).parent)


def _require_ordinary(path):
    if path.exists() and not path.is_file():
        raise MinissdError(f"{path}: is no ordinary file and cannot be written: give the path of a file")


def cannot_be_written(path, error, then="give another path"):
    """The MinissdError for an OSError: what the system refused, what to free or to mend, and what to do `then`."""
    place = Path(path).parent
    return MinissdError(
        f"{path}: cannot be written ({error.strerror or error}): {_remedy(error.errno, place)}, or {then}"
    )


def _remedy(number, place):
    place = place if place.name else place.absolute()  # "." says little
    if number == errno.ENOSPC:
        return f"the disk of {place} is full: delete or move something there"
    if number == errno.EROFS:
        return f"the disk of {place} can only be read: make it one that can be written"
    if number == errno.EDQUOT:
        return f"your quota on the disk of {place} is used up: delete or move something of yours there"
    if number in (errno.ENOENT, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV):
        return f"make sure that the disk or the network share of {place} is there"
    return "make sure that the folder allows it and the disk has room"


def spreadsheet_cell(text: str) -> str:
    """The text for a CSV file; quoted if a spreadsheet would take it for a formula, and run that."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def write_json(path, content, indent=2):
    """Write `content` as JSON, indented unless `indent` is None, whole or not at all."""
    text = to_json(content, indent) + "\n"
    return write_atomically(path, lambda file: file.write(text.encode()))


def to_json(content, indent=None):
    """`content` as JSON text.  NaN and infinity, which JSON does not know, become null; names keep their own letters.

    Only what UTF-8 cannot say, a byte of a file name that is no letter (half a surrogate pair in Python), is escaped.
    """
    text = json.dumps(_finite(content), indent=indent, allow_nan=False, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()


def parse_json(text: str) -> Any:
    """The content of JSON text; ValueError for what is none, also where lists or names are nested without an end."""
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [content]
    for _ in range(DEEPEST):
        level = [one for outer in level if isinstance(outer, dict | list) for one in _inner(outer)]
        if not level:
            return content
    raise ValueError("it is nested too deeply")


def _inner(content):
    return content.values() if isinstance(content, dict) else content


def _finite(content):
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
