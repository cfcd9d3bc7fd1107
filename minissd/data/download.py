"""Downloading the public sets that the catalogue knows, checked and unpacked whole or not at all."""

import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

import pooch

from minissd.errors import MinissdError

_VOC = "https://thor.robots.ox.ac.uk/pascal/VOC"  # the official host; host.robots.ox.ac.uk leads here
_SECONDS_TO_ANSWER = 30


class Archive(NamedTuple):
    """One tar file to download."""

    url: str
    sha256: str


class Download(NamedTuple):
    """A set to be had from the network: its tar files, and the folder that they unpack to together."""

    archives: tuple[Archive, ...]
    tree: str
    about: str


DOWNLOADS = {
    "voc2007": Download(
        (
            Archive(
                f"{_VOC}/voc2007/VOCtrainval_06-Nov-2007.tar",
                "7d8cd951101b0957ddfd7a530bdc8a94f06121cfc1e511bb5937e973020c7508",
            ),
            Archive(
                f"{_VOC}/voc2007/VOCtest_06-Nov-2007.tar",
                "6836888e2e01dca84577a849d339fa4f73e1e4f135d312430c4856b5609b4892",
            ),
        ),
        "VOCdevkit/VOC2007",
        "PASCAL VOC 2007, 20 classes, 9,963 images: train, val, trainval, test; 0.9 GB",
    ),
    "voc2012": Download(
        (
            Archive(
                f"{_VOC}/voc2012/VOCtrainval_11-May-2012.tar",
                "e14f763270cf193d0b5f74b169f44157a4b0c6efa708f4dd0ff78ee691763bcb",
            ),
        ),
        "VOCdevkit/VOC2012",
        "PASCAL VOC 2012, 20 classes, 11,540 images: train, val, trainval; 2 GB",
    ),
}


def default_folder():
    """Where downloads go: the user's cache folder for minissd."""
    return Path(pooch.os_cache("minissd"))


def fetch(name, folder=None, progress=None):
    """Downloads a set of the catalogue into `folder / name`, unless it is there, and returns that path.

    progress: None, or an object that pooch can report bytes to (`total`, `update(n)`, `reset()`, `close()`).
    A set is there as a whole or not at all: it is unpacked beside its place and moved there in one step, and
    an archive that arrives other than its checksum says is not kept.  Raises MinissdError for an unknown
    name, a failed or damaged download, or a folder or disk that does not take it.
    """
    if name not in DOWNLOADS:
        raise MinissdError(f"there is nothing called {name!r} to fetch; there are {', '.join(DOWNLOADS)}")
    folder = default_folder() if folder is None else Path(folder)
    place = folder / name
    if place.is_dir():
        return place
    try:
        folder.mkdir(parents=True, exist_ok=True)
        archives = [_retrieve(archive, folder, progress) for archive in DOWNLOADS[name].archives]
        _unpack(archives, DOWNLOADS[name].tree, place)
        for archive in archives:
            archive.unlink()
    except tarfile.TarError as error:
        advice = f"delete the .tar in {folder} and fetch it again"
        raise MinissdError(f"{name} cannot be unpacked ({error}): {advice}") from None
    except OSError as error:  # of the network too: all that requests raises is one
        reason = error.strerror or " ".join(str(error).split())
        advice = "try again, or make room"
        raise MinissdError(f"{name} cannot be fetched into {folder} ({reason}): {advice}") from None
    return place


def _retrieve(archive, folder, progress):
    """Downloads an archive, unless it lies in the folder already -> its path."""
    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(progressbar=progress or False, timeout=_SECONDS_TO_ANSWER)
    file_name = archive.url.rpartition("/")[2]
    known_hash = f"sha256:{archive.sha256}"
    try:
        return Path(pooch.retrieve(archive.url, known_hash, file_name, folder, downloader=downloader))
    except ValueError:
        raise MinissdError(
            f"{archive.url} sent a file with another checksum than the one expected: "
            "it may have been cut short on the way, so try again; if it stays, the file there has changed"
        ) from None


def _unpack(archives, tree, place):
    """Unpacks all archives into one folder, of which `tree` becomes `place`."""
    beside = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    try:
        for path in archives:
            with tarfile.open(path, "r:") as archive:
                archive.extractall(beside, filter="data")  # nothing outside of the folder, no devices
        if not (beside / tree).is_dir():
            raise tarfile.ReadError(f"it holds no {tree}")
        os.replace(beside / tree, place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
