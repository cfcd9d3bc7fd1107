"""Fetching what the catalogue knows (published.py): checked, unpacked, there as a whole or not at all."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pooch

from minissd.data.published import DOWNLOADS
from minissd.data.unpack import BadArchive, unpack
from minissd.errors import MinissdError
from minissd.files import SET_CACHE, cache_folder, put_in_place


def place_of(name: str, folder: Path | None = None) -> Path:
    """Where a download of the catalogue lies or will lie: a folder for data, a file for weights."""
    folder = cache_folder() if folder is None else Path(folder)
    download = DOWNLOADS[name]
    return folder / name if download.kind == "data" else folder / "weights" / download.files[0].name


def fetched(name: str, kind: str) -> Path:
    """The place of a download that has been fetched; kind: "data" or "weights", what it is wanted for.

    Raises MinissdError, saying which command helps, if it is not in the catalogue, not of that kind, or not
    on this machine yet.
    """
    if name not in DOWNLOADS or DOWNLOADS[name].kind != kind:
        names = ", ".join(one for one, download in DOWNLOADS.items() if download.kind == kind)
        raise MinissdError(f"{name!r} names no {kind} to fetch; there are {names}")
    place = place_of(name)
    if not place.exists():
        raise MinissdError(f"{name} is not on this machine yet: run `minissd fetch {name}`")
    _check_size(name, place)
    return place


def by_hand(name: str, folder: Path | None = None) -> str:
    """How a person brings weights of the catalogue without `fetch`, in words: from where, and to where."""
    (file,), place = DOWNLOADS[name].files, place_of(name, folder)
    source = f"{file.name} from {file.url}" if file.by_hand else file.url
    return f"download {source} with a browser, here or elsewhere, and save it as {place}"


def _check_size(name, place):
    """MinissdError for weights that are not as large as the catalogue says: brought by hand, and not all of them."""
    size = DOWNLOADS[name].files[0].size
    if place.is_file() and size not in (None, place.stat().st_size):
        raise MinissdError(
            f"{place} has {place.stat().st_size:,} bytes, and {name} has {size:,}: it did not arrive whole, or is "
            f"another file; delete it and run `minissd fetch {name}`"
        )


def fetch(name: str, folder: Path | None = None, progress: Any = None) -> Path:
    """Downloads what the catalogue knows by a name, unless it is there, and returns its place (place_of).

    progress: None, or an object that bytes are reported to: `total`, update(n), reset(), close().  A download
    is there as a whole or not at all: it is unpacked beside its place and moved there in one step, and a file
    that arrives other than its checksum says is not kept.  What a stop leaves half-way is gone on with the
    next time.  Raises MinissdError for an unknown name, a failed or damaged download, or a folder or disk that
    does not take it.
    """
    if name not in DOWNLOADS:
        raise MinissdError(f"there is nothing called {name!r} to fetch; there are {', '.join(DOWNLOADS)}")
    place = place_of(name, folder)
    arriving = place.parent / f".{name}.arriving"  # what has been downloaded so far
    if place.exists():
        _check_size(name, place)
        shutil.rmtree(arriving, ignore_errors=True)  # of a process that was killed right at its end
        return place
    if DOWNLOADS[name].files[0].by_hand:
        raise MinissdError(f"no program may download {name}: {by_hand(name, folder)}")
    try:
        arriving.mkdir(parents=True, exist_ok=True)
        paths = [_retrieve(file, arriving, progress) for file in DOWNLOADS[name].files]
        _put(DOWNLOADS[name], paths, place)
        shutil.rmtree(arriving, ignore_errors=True)
    except BadArchive as error:
        shutil.rmtree(arriving, ignore_errors=True)
        raise MinissdError(f"{name} cannot be unpacked ({error}): fetch it again") from None
    except OSError as error:  # of the network too: all that requests raises is one
        reason = error.strerror or " ".join(str(error).split())
        refused = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)
        advice = SET_CACHE if refused else "try again, it goes on where it stopped, or make room"
        if not refused and DOWNLOADS[name].kind == "weights":
            advice += f"; without a network: {by_hand(name, folder)}"
        raise MinissdError(f"{name} cannot be fetched into {place.parent} ({reason}): {advice}") from None
    return place


def _retrieve(file, folder, progress):
    """Downloads a file, unless it lies in the folder already, and checks it -> its path."""
    from minissd.data.http import ResumingDownloader  # here, for requests takes a while that --help need not wait

    pooch.get_logger().setLevel("WARNING")
    part = folder / f"{file.name}.part"
    downloader = ResumingDownloader(part, file.size, file.checksum is not None, progress)
    method, _, digits = (file.checksum or "").partition(":")
    whole = len(digits) == {"sha256": 64, "md5": 32}.get(method)
    known_hash = file.checksum if whole else None
    try:
        path = Path(pooch.retrieve(file.url, known_hash, file.name, folder, downloader=downloader))
        if digits and not whole and not pooch.file_hash(path, alg=method).startswith(digits):
            path.unlink()
            raise ValueError
    except OSError:  # of requests too, some of which are ValueErrors besides, as for a redirect to file:
        raise
    except ValueError:
        raise MinissdError(
            f"{file.url} sent a file with another checksum than the one expected: "
            "it may have been damaged on the way, so try again; if it stays, the file there has changed"
        ) from None
    return path


def _put(download, paths, place):
    """Makes of the downloaded files what is to be at `place`, and moves it there in one step."""
    if download.kind == "weights":
        put_in_place(paths[0], place)
        return
    beside = paths[0].parent / "unpacked"
    shutil.rmtree(beside, ignore_errors=True)  # of a process that was killed meanwhile
    try:
        beside.mkdir()
        if download.tree is None:
            result = beside / "files"
            result.mkdir()
            for path in paths:
                os.replace(path, result / path.name)
        else:
            result = _unpack(download, paths, beside)
        put_in_place(result, place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _unpack(download, paths, folder):
    """Unpacks all archives into one folder -> the tree in it, converted if need be."""
    (folder / "archive").mkdir()
    left = download.unpacked
    for path in paths:
        left -= unpack(path, folder / "archive", left)
    tree = folder / "archive" / download.tree
    if not tree.is_dir():
        raise BadArchive(f"it holds no {download.tree}")
    if download.convert is None:
        return tree
    download.convert(tree, folder / "converted")
    return folder / "converted"
